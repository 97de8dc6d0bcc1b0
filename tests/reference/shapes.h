// The parameters and buffers of LargeGT, by name, with their dims.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tests/reference/largegt.h"

namespace quadhop::reference {

struct ModelDims {
  size_t features = 0;   // F
  size_t width = 0;      // H
  size_t classes = 0;    // C
  size_t pe_width = 0;   // G
  size_t centroids = 0;  // M
};

using ShapeMap = std::map<std::string, std::vector<size_t>>;

// Of every array that a forward pass of `options` reads or moves; without c_idx, which is of
// integers.
ShapeMap StateShapes(const ModelOptions& options, const ModelDims& dims);

// Whether a name is that of a buffer, which has no gradient.
bool IsBuffer(const std::string& name);

}  // namespace quadhop::reference
