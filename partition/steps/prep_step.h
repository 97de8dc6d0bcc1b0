// The steps that make a store ready to train on, in their order.
#pragma once

#include <array>
#include <cstddef>

namespace quadhop {

enum class PrepStep { kImport, kPartition, kEncode, kPropagate };

inline constexpr std::array<PrepStep, 4> kPrepSteps = {PrepStep::kImport, PrepStep::kPartition,
                                                       PrepStep::kEncode, PrepStep::kPropagate};

// "import", "partition", "encode", "propagate": the command, and the name in a store's provenance.
inline const char* PrepStepName(PrepStep step) {
  constexpr std::array<const char*, 4> kNames = {"import", "partition", "encode", "propagate"};
  return kNames[static_cast<std::size_t>(step)];
}

}  // namespace quadhop
