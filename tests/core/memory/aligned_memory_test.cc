#include "core/memory/aligned_memory.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace quadhop {
namespace {

uintptr_t Place(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

TEST(AlignedMemory, BeginsOnACacheLineWhateverItsSize) {
  for (size_t size : {0u, 1u, 63u, 64u, 65u, 100000u})
    EXPECT_EQ(Place(AllocateAligned<uint8_t>(size).get()) % 64, 0u) << size;
}

TEST(AlignedMemory, BeginsOnAHugePageWhereItIsLarge) {
  const auto memory = AllocateAligned<float>(10'000'001);
  EXPECT_EQ(Place(memory.get()) % (2 << 20), 0u);
  memory[0] = 1;
  memory[10'000'000] = 2;
  EXPECT_EQ(memory[0] + memory[10'000'000], 3);
}

TEST(AlignedMemory, ThrowsWhereThereIsNotEnough) {
#ifdef QH_SANITIZED
  GTEST_SKIP() << "sanitizers end the program at such sizes";
#endif
  EXPECT_THROW(AllocateAligned<uint8_t>(size_t{1} << 62), std::bad_alloc);
}

}  // namespace
}  // namespace quadhop
