#include "launch/config/backends.h"

#include <gtest/gtest.h>

namespace quadhop {
namespace {

Config Chosen(bool gpus, Config config = {}) {
  ChooseBackends(gpus, &config);
  return config;
}

TEST(Backends, AutoIsTheGpusIfAllRanksHaveOne) {
  EXPECT_EQ(Chosen(true).model().backend(), ModelConfig::CUDA);
  EXPECT_EQ(Chosen(true).sampler().backend(), SamplerConfig::CUDA);
  EXPECT_EQ(Chosen(false).model().backend(), ModelConfig::CPU);
  EXPECT_EQ(Chosen(false).sampler().backend(), SamplerConfig::CPU);
}

TEST(Backends, WhatTheConfigAsksForStays) {
  Config config;
  config.mutable_model()->set_backend(ModelConfig::CPU);
  EXPECT_EQ(Chosen(true, config).model().backend(), ModelConfig::CPU);
  EXPECT_EQ(Chosen(true, config).sampler().backend(), SamplerConfig::CPU);
  config.mutable_sampler()->set_backend(SamplerConfig::CUDA);
  EXPECT_EQ(Chosen(true, config).sampler().backend(), SamplerConfig::CUDA);
  config.mutable_model()->set_backend(ModelConfig::CUDA);
  config.mutable_sampler()->set_backend(SamplerConfig::CPU);
  EXPECT_EQ(Chosen(false, config).model().backend(), ModelConfig::CUDA);
  EXPECT_EQ(Chosen(false, config).sampler().backend(), SamplerConfig::CPU);
}

TEST(Backends, TheHostDrawsWhatAGpuCannotOrNeedNot) {
  Config config;
  config.mutable_sampler()->set_sampled_nodes(600);
  EXPECT_EQ(Chosen(true, config).sampler().backend(), SamplerConfig::CPU);
  config.mutable_sampler()->set_sampled_nodes(512);
  EXPECT_EQ(Chosen(true, config).sampler().backend(), SamplerConfig::CUDA);
  config.mutable_model()->set_conv(ModelConfig::GLOBAL);
  EXPECT_EQ(Chosen(true, config).sampler().backend(), SamplerConfig::CPU);
}

TEST(Backends, AreChosenAnewForWhatARunThatIsOverIsUsedFor) {
  Config config = Chosen(true);
  LeaveBackendsOpen(&config);
  EXPECT_EQ(Chosen(false, config).model().backend(), ModelConfig::CPU);
  EXPECT_EQ(Chosen(false, config).sampler().backend(), SamplerConfig::CPU);
}

}  // namespace
}  // namespace quadhop
