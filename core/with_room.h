// Room to grow.
#pragma once

namespace quadhop {

// An eighth more: memory of sizes that change a little from step to step soon stops being
// allocated.
template <typename Integer>
constexpr Integer WithRoom(Integer size) {
  return size + size / 8;
}

}  // namespace quadhop
