// n items cut into R runs of equal length, give or take one.
#pragma once

#include <algorithm>
#include <cstdint>

namespace quadhop {

// Run `chunk` is [begin(chunk), begin(chunk + 1)).
inline int64_t EvenChunkBegin(int64_t num_items, int32_t num_chunks, int32_t chunk) {
  const int64_t longer = num_items % num_chunks;  // this many runs, the first, have one item more
  return num_items / num_chunks * chunk + std::min<int64_t>(chunk, longer);
}

}  // namespace quadhop
