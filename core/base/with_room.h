// Room to grow.
#pragma once

namespace quadhop {

// An eighth more: sizes that change a little from step to step soon need no new memory.
template <typename Integer>
constexpr Integer WithRoom(Integer size) {
  return size + size / 8;
}

}  // namespace quadhop
