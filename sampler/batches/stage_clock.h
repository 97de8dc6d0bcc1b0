// Where the time of making batches goes, and which part of it training waits for.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

#include "core/base/stopwatch.h"

namespace quadhop {

// What the maker of batches is doing.
enum class LoaderStage { kPlan, kSample, kUnique, kExchange, kGather, kIdle };
inline constexpr size_t kNumLoaderStages = 6;

// "plan", "sample", "unique", "exchange", "gather", "idle".
const char* LoaderStageName(LoaderStage stage);

using StageSeconds = std::array<double, kNumLoaderStages>;  // by LoaderStage

// Adds up the seconds spent in each stage. What a waiting thread reads when its wait begins,
// subtracted from what it reads at the end, is the wait by stage. Thread-safe.
class StageClock {
 public:
  void Enter(LoaderStage stage);
  // Up to this moment, including the stage under way.
  StageSeconds Read() const;

 private:
  mutable std::mutex mutex_;
  StageSeconds seconds_{};
  LoaderStage stage_ = LoaderStage::kIdle;
  Stopwatch since_;  // since stage_ was entered
};

}  // namespace quadhop
