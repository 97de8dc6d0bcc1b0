// Counts the large pieces of memory that this process takes. Linked into a test of its own, since
// it replaces operator new and aligned_alloc; not built with sanitizers, which do so too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quadhop {

inline constexpr size_t kLargeBytes = size_t{64} << 10;

// Calls of operator new and aligned_alloc for kLargeBytes or more since the process began, by all
// threads. (What libraries take from malloc itself is not seen.)
int64_t NumLargeAllocations();

}  // namespace quadhop
