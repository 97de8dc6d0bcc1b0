#include "sampler/batches/stage_clock.h"

namespace quadhop {

const char* LoaderStageName(LoaderStage stage) {
  switch (stage) {
    case LoaderStage::kPlan:
      return "plan";
    case LoaderStage::kSample:
      return "sample";
    case LoaderStage::kUnique:
      return "unique";
    case LoaderStage::kExchange:
      return "exchange";
    case LoaderStage::kGather:
      return "gather";
    default:
      return "idle";
  }
}

void StageClock::Enter(LoaderStage stage) {
  const std::lock_guard<std::mutex> lock(mutex_);
  seconds_[static_cast<size_t>(stage_)] += since_.Seconds();
  stage_ = stage;
  since_ = {};
}

StageSeconds StageClock::Read() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  StageSeconds seconds = seconds_;
  seconds[static_cast<size_t>(stage_)] += since_.Seconds();
  return seconds;
}

}  // namespace quadhop
