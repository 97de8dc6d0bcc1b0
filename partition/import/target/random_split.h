// A split of nodes into train, valid and test by chance.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

namespace quadhop {

// [N] of SplitPart, for nodes of these classes (negative: in no part): 60 % train and 20 %
// validate, of all together (rounded) and, within a node or two, of each class. A node's place is
// drawn by its key (or its number, if keys are empty), so that most nodes keep their parts when
// others are added.
std::vector<uint8_t> SplitOfClasses(absl::Span<const int32_t> classes,  // [N]
                                    absl::Span<const int64_t> keys,     // [N], or empty
                                    uint64_t seed);

}  // namespace quadhop
