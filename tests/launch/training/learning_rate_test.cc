#include "launch/training/learning_rate.h"

#include <gtest/gtest.h>

namespace quadhop {
namespace {

TrainConfig Schedule(TrainConfig::Schedule schedule, int64_t warmup_steps) {
  TrainConfig config;
  config.set_learning_rate(0.8);
  config.set_schedule(schedule);
  config.set_warmup_steps(warmup_steps);
  return config;
}

TEST(LearningRate, RisesEvenlyInTheWarmupAndThenStays) {
  const TrainConfig config = Schedule(TrainConfig::CONSTANT, 4);
  EXPECT_DOUBLE_EQ(LearningRate(config, 0, 100), 0.2);
  EXPECT_DOUBLE_EQ(LearningRate(config, 3, 100), 0.8);
  EXPECT_DOUBLE_EQ(LearningRate(config, 99, 100), 0.8);
}

TEST(LearningRate, FallsAsACosineAfterTheWarmup) {
  const TrainConfig config = Schedule(TrainConfig::COSINE, 10);
  EXPECT_DOUBLE_EQ(LearningRate(config, 10, 30), 0.8);
  EXPECT_DOUBLE_EQ(LearningRate(config, 15, 30), 0.8 * 0.8535533905932737);  // (1 + 1/sqrt 2) / 2
  EXPECT_DOUBLE_EQ(LearningRate(config, 20, 30), 0.4);
  EXPECT_NEAR(LearningRate(config, 30, 30), 0, 1e-16);
}

TEST(LearningRate, IsANumberWhereTheWarmupIsAllOfTheRun) {
  EXPECT_DOUBLE_EQ(LearningRate(Schedule(TrainConfig::COSINE, 5), 5, 5), 0.8);
}

}  // namespace
}  // namespace quadhop
