#include "core/threads/subnormals.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "core/threads/thread_pool.h"

namespace quadhop {
namespace {

// Volatile: the compiler must not do the arithmetic.
bool SubnormalsAreZero() {
  volatile float smallest_normal = std::numeric_limits<float>::min();
  volatile float subnormal = std::numeric_limits<float>::denorm_min();
  volatile float result = smallest_normal * 0.5f;
  volatile float operand = subnormal * 0x1p30f;
  // By their bits: a comparison, too, may take a subnormal number for 0.
  return std::bit_cast<uint32_t>(+result) == 0 && operand == 0.0f;
}

TEST(FlushSubnormalsTest, HoldsForTheThreadAndForThoseThatItCreates) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "only x86-64 is slow with subnormal floats, and only there they are flushed";
#endif
  std::vector<char> in_pool(64, false);
  bool in_thread = false;
  std::thread([&] {
    FlushSubnormals();
    in_thread = SubnormalsAreZero();
    ThreadPool pool(3);
    pool.ParallelFor(
        64, [&](int64_t item, int) { in_pool[static_cast<size_t>(item)] = SubnormalsAreZero(); });
  }).join();
  EXPECT_TRUE(in_thread);
  EXPECT_EQ(in_pool, std::vector<char>(64, true));
  EXPECT_FALSE(SubnormalsAreZero()) << "it must leave other threads as they are";
}

}  // namespace
}  // namespace quadhop
