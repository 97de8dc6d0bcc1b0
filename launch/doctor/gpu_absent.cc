#include "launch/doctor/gpu.h"

namespace quadhop {

absl::StatusOr<Findings> CheckGpus(const RankContext&, const Config& config) {
  const bool wanted = ModelConfig::Backend_Name(config.model().backend()) == "CUDA" ||
                      SamplerConfig::Backend_Name(config.sampler().backend()) == "CUDA";
  return Findings{
      {wanted ? Verdict::kFail : Verdict::kOk, "GPU", "this quadhop is built without CUDA",
       wanted ? "configure it with -DQH_CUDA=ON, or set model.backend=CPU and sampler.backend=CPU"
              : ""}};
}

}  // namespace quadhop
