#include "launch/training/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace quadhop {

double LearningRate(const TrainConfig& config, int64_t step, int64_t num_steps) {
  const double warmup = static_cast<double>(config.warmup_steps());
  const double at = static_cast<double>(step);
  if (at < warmup) return config.learning_rate() * (at + 1) / warmup;
  if (config.schedule() == TrainConfig::CONSTANT) return config.learning_rate();
  const double rest = std::max(1.0, static_cast<double>(num_steps) - warmup);
  return config.learning_rate() * 0.5 * (1 + std::cos(std::numbers::pi * (at - warmup) / rest));
}

}  // namespace quadhop
