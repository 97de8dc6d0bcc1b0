#include "launch/config/backends.h"

#include "launch/config/model_options.h"

namespace quadhop {
namespace {

// A GPU draws a node's sample in the shared memory of one block: this many nodes fit on any GPU
// that quadhop computes on.
constexpr int32_t kMostSampledOnGpu = 512;

bool GpuDraws(const Config& config) {
  return ModelOptions(config, GraphDims()).has_local() &&
         config.model().backend() == ModelConfig::CUDA &&
         config.sampler().sampled_nodes() <= kMostSampledOnGpu;
}

}  // namespace

bool LeavesBackendOpen(const Config& config) {
  return config.model().backend() == ModelConfig::AUTO;
}

void ChooseBackends(bool all_ranks_have_gpus, Config* config) {
  if (LeavesBackendOpen(*config))
    config->mutable_model()->set_backend(all_ranks_have_gpus ? ModelConfig::CUDA
                                                             : ModelConfig::CPU);
  if (config->sampler().backend() == SamplerConfig::AUTO)
    config->mutable_sampler()->set_backend(
        all_ranks_have_gpus && GpuDraws(*config) ? SamplerConfig::CUDA : SamplerConfig::CPU);
}

Config WithBackendsOf(const Config& chosen, Config config) {
  config.mutable_model()->set_backend(chosen.model().backend());
  config.mutable_sampler()->set_backend(chosen.sampler().backend());
  return config;
}

void LeaveBackendsOpen(Config* config) {
  config->mutable_model()->set_backend(ModelConfig::AUTO);
  config->mutable_sampler()->set_backend(SamplerConfig::AUTO);
}

}  // namespace quadhop
