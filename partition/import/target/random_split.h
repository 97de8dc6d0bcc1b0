// A split of nodes into train, valid and test by chance.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

namespace quadhop {

// [N] of SplitPart: round(train_share * N) nodes train, round(valid_share * N) validate, the others
// test, each subset equally likely. A function of its arguments alone. Shares are >= 0 and sum to
// at most 1.
std::vector<uint8_t> RandomSplit(int64_t num_nodes, double train_share, double valid_share,
                                 uint64_t seed);

// [N] of SplitPart, for nodes of these classes (negative: in no part): 60 % train and 20 %
// validate, of all together (rounded) and, within a node or two, of each class. A node's place is
// drawn by its key, so that most nodes keep their parts when others are added.
std::vector<uint8_t> SplitOfClasses(absl::Span<const int32_t> classes,  // [N]
                                    absl::Span<const int64_t> keys,     // [N]
                                    uint64_t seed);

}  // namespace quadhop
