// Memory that knows what it has given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <set>

#include "core/memory/aligned_memory.h"

namespace quadhop {

// Used by one thread at a time.
class CountingResource final : public std::pmr::memory_resource {
 public:
  bool Holds(const void* data) const { return blocks_.contains(data); }
  int64_t num_held() const { return static_cast<int64_t>(blocks_.size()); }
  int64_t num_given() const { return num_given_; }  // since it was made

 private:
  void* do_allocate(size_t bytes, size_t alignment) override {
    void* const data = AlignedResource()->allocate(bytes, alignment);
    blocks_.insert(data);
    ++num_given_;
    return data;
  }
  void do_deallocate(void* data, size_t bytes, size_t alignment) override {
    blocks_.erase(data);
    AlignedResource()->deallocate(data, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::set<const void*> blocks_;
  int64_t num_given_ = 0;
};

}  // namespace quadhop
