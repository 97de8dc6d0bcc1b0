#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <cuda_runtime.h>

#include <memory>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "core/cuda/cuda_device.h"
#include "core/memory/host_memory.h"
#include "launch/doctor/gpu.h"
#include "launch/ranks/agreed_status.h"

namespace quadhop {
namespace {

// "NVIDIA H200, 139.70 GB free; the driver supports CUDA 12.8"
absl::StatusOr<std::string> Describe(const cuda::Device& device) {
  QH_ASSIGN_OR_RETURN(const int64_t free_bytes, cuda::FreeDeviceBytes());
  int driver = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess) driver = 0;
  return absl::StrFormat("%s, %s free; the driver supports CUDA %d.%d", device.name(),
                         BytesText(free_bytes), driver / 1000, driver % 1000 / 10);
}

}  // namespace

absl::StatusOr<Findings> CheckGpus(const RankContext& context, const Config& config) {
  const auto device = cuda::Device::Open(context.local_rank);
  const absl::Status agreed =
      AgreeOnStatus(context.comm, "open the GPUs of all ranks", device.status());
  if (!agreed.ok() && !IsAgreed(agreed)) return agreed;
  if (!agreed.ok()) {
    const bool wanted = AsksForGpus(config);
    return Findings{{wanted ? Verdict::kFail : Verdict::kOk, "GPU", std::string(agreed.message()),
                     wanted ? "ask for one GPU per rank, or set model.backend=CPU" : ""}};
  }
  int64_t sharing[] = {context.ranks_on_host > cuda::NumVisibleDevices() ? 1 : 0};
  QH_RETURN_IF_ERROR(SumOverRanks(context.comm, "ranks that share GPUs", absl::MakeSpan(sharing)));
  QH_ASSIGN_OR_RETURN(const std::string found, Describe(**device));
  Findings findings = {{Verdict::kOk, "GPU", absl::StrCat("every rank has one: ", found), ""}};
  if (sharing[0] > 0)
    findings.push_back({Verdict::kWarn, "GPU",
                        absl::StrCat(sharing[0], " ranks are on hosts with fewer GPUs than ranks"),
                        "start one rank per GPU: NCCL does not take two ranks of one GPU"});
  return findings;
}

}  // namespace quadhop
