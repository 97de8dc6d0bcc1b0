#include "launch/doctor/gpu.h"

namespace quadhop {

absl::StatusOr<Findings> CheckGpus(const RankContext&, const Config& config) {
  const bool wanted = AsksForGpus(config);
  return Findings{
      {wanted ? Verdict::kFail : Verdict::kOk, "GPU", "this quadhop is built without CUDA",
       wanted ? "configure it with -DQH_CUDA=ON, or set model.backend=CPU and sampler.backend=CPU"
              : ""}};
}

}  // namespace quadhop
