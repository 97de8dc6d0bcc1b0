// Names of tests of each kind of model.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace quadhop {

// "LocalBatchNorm2Heads". Kind: a tuple of Conv, NormKind (of the model or of the reference) and
// heads.
template <typename Kind>
std::string KindName(const testing::TestParamInfo<Kind>& info) {
  const char* convs[] = {"Full", "Local", "Global", "None"};
  const char* norms[] = {"BatchNorm", "LayerNorm", "NoNorm"};
  return std::string(convs[static_cast<size_t>(std::get<0>(info.param))]) +
         norms[static_cast<size_t>(std::get<1>(info.param))] +
         std::to_string(std::get<2>(info.param)) + "Heads";
}

}  // namespace quadhop
