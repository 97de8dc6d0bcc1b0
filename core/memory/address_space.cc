#include "core/memory/address_space.h"

#include <malloc.h>
#include <sys/resource.h>

namespace quadhop {

void SpareAddressSpace() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    mallopt(M_ARENA_MAX, 1);
}

}  // namespace quadhop
