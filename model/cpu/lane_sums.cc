#include "model/cpu/lane_sums.h"

#include <algorithm>
#include <utility>

namespace quadhop::cpu {

std::unique_ptr<float[]> LaneMemory::Take(int64_t n) {
  if (n != std::exchange(n_, n)) free_.clear();
  if (free_.empty()) return std::unique_ptr<float[]>(new float[static_cast<size_t>(n)]);
  std::unique_ptr<float[]> array = std::move(free_.back());
  free_.pop_back();
  return array;
}

LaneSums::LaneSums(std::vector<size_t> first_lane, TensorView<float> sums, LaneMemory& memory)
    : first_lane_(std::move(first_lane)),
      sums_(sums),
      memory_(memory),
      lanes_(first_lane_.back()),
      partitions_(first_lane_.size() - 1) {
  for (size_t p = 0; p < partitions_.size(); ++p) partitions_[p].next = first_lane_[p];
}

float* LaneSums::Begin(size_t partition, size_t lane) {
  float* array = sums_.row(static_cast<int64_t>(partition));
  if (lane != first_lane_[partition]) {
    const std::scoped_lock lock(mutex_);
    lanes_[lane].array = memory_.Take(sums_.dim(1));
    array = lanes_[lane].array.get();
  }
  std::fill_n(array, sums_.dim(1), 0.0f);
  return array;
}

void LaneSums::End(size_t partition, size_t lane) {
  std::unique_lock lock(mutex_);
  lanes_[lane].ended = true;
  Partition& state = partitions_[partition];
  if (state.adding) return;  // that thread sees this lane when it comes to it
  state.adding = true;
  while (state.next < first_lane_[partition + 1] && lanes_[state.next].ended) {
    std::unique_ptr<float[]> array = std::move(lanes_[state.next].array);
    if (array != nullptr) {
      lock.unlock();
      ops_.add(array.get(), sums_.dim(1), sums_.row(static_cast<int64_t>(partition)));
      lock.lock();
      memory_.Return(std::move(array));
    }
    ++state.next;
  }
  state.adding = false;
}

}  // namespace quadhop::cpu
