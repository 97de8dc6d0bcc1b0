#include "core/arrays/array.h"

#include <gtest/gtest.h>

#include <new>

namespace quadhop {
namespace {

TEST(Array, IsEmptyAfterItCouldNotGrow) {
#ifdef QH_SANITIZED
  GTEST_SKIP() << "sanitizers end the process that asks for too much";
#endif
  HostMemory memory;
  Array<float> array(memory, {8});
  EXPECT_THROW(array.Resize(memory, {int64_t{1} << 46}), std::bad_alloc);
  EXPECT_EQ(array.data(), nullptr);
  array.Resize(memory, {4});
  array.span()[3] = 1;
}

TEST(Array, CountsTheMemoryThatItOutgrew) {
  HostMemory memory;
  Array<float> array(memory, {8});
  array.Resize(memory, {4});
  EXPECT_EQ(memory.num_outgrown(), 0);
  array.Resize(memory, {9});
  EXPECT_EQ(memory.num_outgrown(), 1);
}

}  // namespace
}  // namespace quadhop
