// A split of nodes into train, valid and test by chance.
#pragma once

#include <cstdint>
#include <vector>

namespace quadhop {

// [N] of SplitPart: round(train_share * N) nodes train, round(valid_share * N) validate, the others
// test, each subset equally likely. A function of its arguments alone. Shares are >= 0 and sum to
// at most 1.
std::vector<uint8_t> RandomSplit(int64_t num_nodes, double train_share, double valid_share,
                                 uint64_t seed);

}  // namespace quadhop
