#include "core/cuda/cuda_device.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/cuda/cuda_status.h"

namespace quadhop::cuda {
namespace {

// Kernels get this much without asking; more must be allowed for each kernel.
constexpr size_t kPlainSharedBytes = size_t{48} << 10;

struct DeviceEvent final : Memory::Event {
  // Work that waits for the event keeps waiting for it.
  ~DeviceEvent() override {
    if (event != nullptr) static_cast<void>(cudaEventDestroy(event));
  }
  cudaEvent_t event = nullptr;
  absl::Status status;  // of the stream when it was recorded
};

// Streams that share a connection to the GPU wait for each other, and a rank has more than the
// default of 8. The variable is read when CUDA is first called.
void AllowConnections() {
  static const int kAllowed = setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", /*overwrite=*/0);
  static_cast<void>(kAllowed);
}

}  // namespace

int NumVisibleDevices() {
  AllowConnections();
  int num_visible = 0;
  return cudaGetDeviceCount(&num_visible) == cudaSuccess ? num_visible : 0;
}

absl::StatusOr<int64_t> FreeDeviceBytes() {
  size_t free = 0, total = 0;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaMemGetInfo(&free, &total)));
  // The pool keeps what an earlier run of this process gave back.
  int ordinal = 0;
  cudaMemPool_t pool = nullptr;
  uint64_t reserved = 0, used = 0;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaGetDevice(&ordinal)));
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaDeviceGetDefaultMemPool(&pool, ordinal)));
  QH_RETURN_IF_ERROR(
      QH_CUDA_STATUS(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved)));
  QH_RETURN_IF_ERROR(
      QH_CUDA_STATUS(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used)));
  return static_cast<int64_t>(free + (reserved - std::min(reserved, used)));
}

absl::StatusOr<std::unique_ptr<Device>> Device::Open(int local_rank, Priority priority) {
  AllowConnections();
  int num_visible = 0;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaGetDeviceCount(&num_visible)));
  if (num_visible == 0)
    return absl::UnavailableError("no GPU is visible: see nvidia-smi and CUDA_VISIBLE_DEVICES");
  auto device =
      std::unique_ptr<Device>(new Device(DeviceOfLocalRank(local_rank, num_visible), priority));
  QH_RETURN_IF_ERROR(device->Initialise());
  return device;
}

absl::Status Device::Initialise() {
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaSetDevice(ordinal_)));
  cudaDeviceProp properties;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaGetDeviceProperties(&properties, ordinal_)));
  if (properties.major < 8)
    return absl::UnavailableError(absl::StrCat(
        "GPU ", ordinal_, " (", properties.name, ") has compute capability ", properties.major, ".",
        properties.minor, "; quadhop needs 8.0 (A100) or later: set model.backend=CPU"));
  name_ = properties.name;
  static_assert(sizeof(properties.uuid) == sizeof(uuid_));
  std::memcpy(uuid_.data(), &properties.uuid, uuid_.size());
  compute_capability_ = 10 * properties.major + properties.minor;
  shared_bytes_per_block_ = properties.sharedMemPerBlockOptin;
  QH_ASSIGN_OR_RETURN(stream_, CreateStream());
  // Freed memory stays with the process: each step takes the same again.
  cudaMemPool_t pool = nullptr;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaDeviceGetDefaultMemPool(&pool, ordinal_)));
  uint64_t keep = std::numeric_limits<uint64_t>::max();
  return QH_CUDA_STATUS(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
}

absl::StatusOr<cudaStream_t> Device::CreateStream() const {
  int least = 0, greatest = 0;  // the greatest is the lower number
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaDeviceGetStreamPriorityRange(&least, &greatest)));
  const int priority = priority_ == Priority::kAhead  ? least
                       : priority_ == Priority::kStep ? std::max(least - 1, greatest)
                                                      : greatest;
  cudaStream_t stream = nullptr;
  QH_RETURN_IF_ERROR(
      QH_CUDA_STATUS(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, priority)));
  return stream;
}

Device::~Device() {
  // Nobody is left to tell: an error comes from work whose results nobody waits for.
  if (stream_ == nullptr) return;
  static_cast<void>(cudaStreamSynchronize(stream_));
  static_cast<void>(cudaStreamDestroy(stream_));
}

void Device::Note(const absl::Status& status) {
  if (status_.ok()) status_ = status;
}

bool Device::Enter() {
  if (status_.ok()) Note(QH_CUDA_STATUS(cudaSetDevice(ordinal_)));
  return status_.ok();
}

bool Device::Holds(const void* data) const {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, data) == cudaSuccess)
    return attributes.type == cudaMemoryTypeDevice;
  // Memory that CUDA does not know is the host's; the error must not be taken for a later call's.
  static_cast<void>(cudaGetLastError());
  return false;
}

void* Device::Allocate(size_t bytes) {
  void* memory = nullptr;
  if (bytes > 0 && Enter()) Note(QH_CUDA_STATUS(cudaMallocAsync(&memory, bytes, stream_)));
  return memory;
}

void Device::Free(void* data) {
  if (data != nullptr) Note(QH_CUDA_STATUS(cudaFreeAsync(data, stream_)));
}

void* Device::AllocateStaging(size_t bytes) {
  void* memory = nullptr;
  if (bytes > 0 && Enter()) Note(QH_CUDA_STATUS(cudaMallocHost(&memory, bytes)));
  return memory;
}

void Device::FreeStaging(void* data) {
  if (data == nullptr) return;
  // Copies may still be queued, also after an error. A thread's calls go to GPU 0 until it sets
  // one.
  Note(QH_CUDA_STATUS(cudaSetDevice(ordinal_)));
  Note(QH_CUDA_STATUS(cudaStreamSynchronize(stream_)));
  Note(QH_CUDA_STATUS(cudaFreeHost(data)));
}

void Device::UploadAsync(const void* host, size_t bytes, void* to) {
  if (bytes == 0 || !Enter()) return;
  Note(QH_CUDA_STATUS(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream_)));
}

void Device::Upload(const void* host, size_t bytes, void* to) {
  UploadAsync(host, bytes, to);
  if (bytes > 0) Note(Synchronize());
}

void Device::Download(const void* from, size_t bytes, void* host) {
  if (bytes == 0 || !Enter()) return;
  Note(QH_CUDA_STATUS(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream_)));
  Note(Synchronize());
}

void Device::CopyRows(const void* from, size_t from_stride, void* to, size_t to_stride,
                      int64_t rows, size_t row_bytes) {
  if (rows == 0 || row_bytes == 0 || !Enter()) return;
  if (rows == 1)  // a row that may be longer than a pitch
    return Note(
        QH_CUDA_STATUS(cudaMemcpyAsync(to, from, row_bytes, cudaMemcpyDeviceToDevice, stream_)));
  Note(QH_CUDA_STATUS(cudaMemcpy2DAsync(to, to_stride, from, from_stride, row_bytes,
                                        static_cast<size_t>(rows), cudaMemcpyDeviceToDevice,
                                        stream_)));
}

void Device::ZeroRows(void* data, int64_t rows, size_t row_bytes, size_t stride) {
  if (rows == 0 || row_bytes == 0 || !Enter()) return;
  if (rows == 1) return Note(QH_CUDA_STATUS(cudaMemsetAsync(data, 0, row_bytes, stream_)));
  Note(QH_CUDA_STATUS(
      cudaMemset2DAsync(data, stride, 0, row_bytes, static_cast<size_t>(rows), stream_)));
}

absl::Status Device::Synchronize() {
  if (status_.ok()) Note(QH_CUDA_STATUS(cudaStreamSynchronize(stream_)));
  return status_;
}

absl::StatusOr<std::unique_ptr<Device>> Device::NewDeviceStream() const {
  auto other = std::unique_ptr<Device>(new Device(ordinal_, Priority::kSide));
  QH_RETURN_IF_ERROR(other->Initialise());
  return other;
}

std::unique_ptr<Memory::Event> Device::RecordEvent() {
  auto recorded = std::make_unique<DeviceEvent>();
  if (Enter())
    Note(QH_CUDA_STATUS(cudaEventCreateWithFlags(&recorded->event, cudaEventDisableTiming)));
  if (status_.ok()) Note(QH_CUDA_STATUS(cudaEventRecord(recorded->event, stream_)));
  recorded->status = status_;
  return recorded;
}

void Device::WaitFor(const Event* event) {
  if (event == nullptr) return;
  const auto& recorded = static_cast<const DeviceEvent&>(*event);
  Note(recorded.status);
  if (Enter()) Note(QH_CUDA_STATUS(cudaStreamWaitEvent(stream_, recorded.event, 0)));
}

class Device::Graph final : public Recording {
 public:
  explicit Graph(Device& device) : device_(device) {}
  // Replays that are queued still run.
  ~Graph() override {
    if (executable_ != nullptr) static_cast<void>(cudaGraphExecDestroy(executable_));
    if (graph_ != nullptr) static_cast<void>(cudaGraphDestroy(graph_));
    // Otherwise its memory stays reserved for graphs, with no owner.
    static_cast<void>(cudaDeviceGraphMemTrim(device_.ordinal_));
  }

  absl::Status Record(absl::FunctionRef<absl::Status()> work) {
    QH_RETURN_IF_ERROR(
        QH_CUDA_STATUS(cudaStreamBeginCapture(device_.stream_, cudaStreamCaptureModeRelaxed)));
    const absl::Status worked = work();
    const absl::Status ended = QH_CUDA_STATUS(cudaStreamEndCapture(device_.stream_, &graph_));
    QH_RETURN_IF_ERROR(worked);
    QH_RETURN_IF_ERROR(device_.status_);
    QH_RETURN_IF_ERROR(ended);
    // Otherwise what was recorded on other streams would no longer be served first.
    return QH_CUDA_STATUS(
        cudaGraphInstantiate(&executable_, graph_, cudaGraphInstantiateFlagUseNodePriority));
  }

  void Replay() override {
    if (device_.Enter())
      device_.Note(QH_CUDA_STATUS(cudaGraphLaunch(executable_, device_.stream_)));
  }

 private:
  Device& device_;
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
};

absl::StatusOr<std::unique_ptr<Memory::Recording>> Device::Record(
    absl::FunctionRef<absl::Status()> work) {
  if (!Enter()) return status_;
  auto graph = std::make_unique<Graph>(*this);
  Note(graph->Record(work));
  QH_RETURN_IF_ERROR(status_);
  return graph;
}

bool Device::Prepare(const void* kernel, const Grid& grid) {
  if (grid.blocks == 0 || !Enter()) return false;
  QH_CHECK_LE(grid.blocks, int64_t{std::numeric_limits<int32_t>::max()});
  QH_CHECK_LE(grid.shared_bytes, shared_bytes_per_block_);
  // Allows all that a block can have, whatever this launch needs: a smaller limit would apply to
  // launches in recordings, too.
  if (grid.shared_bytes > kPlainSharedBytes)
    Note(QH_CUDA_STATUS(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                             static_cast<int>(shared_bytes_per_block_))));
  return status_.ok();
}

void Device::NoteLaunch(cudaError_t code) {
  Note(CudaStatus(code, "cudaLaunchKernelEx", __FILE__, __LINE__));
}

}  // namespace quadhop::cuda
