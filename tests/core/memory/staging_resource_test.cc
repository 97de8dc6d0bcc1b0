#include "core/memory/staging_resource.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <vector>

namespace quadhop {
namespace {

// With as many bytes for staging as it is told.
class LimitedMemory final : public HostMemory {
 public:
  LimitedMemory(size_t limit, int64_t* num_blocks) : limit_(limit), num_blocks_(num_blocks) {}
  void* AllocateStaging(size_t bytes) override {
    if (bytes > limit_) return nullptr;
    ++*num_blocks_;
    return HostMemory::AllocateStaging(bytes);
  }
  void FreeStaging(void* data) override {
    --*num_blocks_;
    HostMemory::FreeStaging(data);
  }

 private:
  const size_t limit_;
  int64_t* const num_blocks_;
};

TEST(StagingResource, GivesTheStagingOfItsMemoryAndThrowsWhereThereIsNoMore) {
  int64_t num_blocks = 0;
  StagingResource resource(std::make_unique<LimitedMemory>(1000, &num_blocks));
  {
    std::pmr::vector<int32_t> values({1, 2, 3}, &resource);
    EXPECT_EQ(num_blocks, 1);
    EXPECT_THROW(values.resize(1000), std::bad_alloc);
    EXPECT_EQ(values[2], 3);
  }
  EXPECT_EQ(num_blocks, 0);
}

}  // namespace
}  // namespace quadhop
