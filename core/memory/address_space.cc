#include "core/memory/address_space.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace quadhop {

void SpareAddressSpace() {
  constexpr rlim_t kArenaBytes = rlim_t{128} << 20;
  const rlim_t for_arenas = kArenaBytes * std::max(1U, std::thread::hardware_concurrency());
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < 8 * for_arenas) mallopt(M_ARENA_MAX, 1);
}

}  // namespace quadhop
