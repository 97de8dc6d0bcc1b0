#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "core/cuda/threads.cuh"
#include "sampler/cuda/row_gather.h"

namespace quadhop::cuda {
namespace {

__device__ inline float AsFloat(float value) { return value; }
__device__ inline float AsFloat(__half value) { return __half2float(value); }
__device__ inline float AsFloat(__nv_bfloat16 value) { return __bfloat162float(value); }

// The values that a lane reads or writes at once.
template <typename T, int kValues>
struct alignas(sizeof(T) * kValues) Packet {
  T values[kValues];
};

template <typename T>
__device__ const T* RowOf(const ReadableRows& rows, int64_t node) {
  const auto* on_device = static_cast<const T*>(rows.on_device);
  if (rows.place == nullptr) return on_device + node * rows.row_size;
  const int64_t place = rows.place[node];
  if (place >= 0) return on_device + place * rows.row_size;
  return static_cast<const T*>(rows.on_host) + node * rows.row_size;
}

// Rows in host memory come over the bus in transfers of what a warp reads at once: two 16-bit
// values per lane make them as long as one 32-bit value does.
template <typename T, int kValues>
__global__ void __launch_bounds__(kBlockThreads)
    GatherRowsKernel(ReadableRows rows, const int64_t* nodes, int64_t num_nodes, float* out) {
  const int64_t i = WarpOfGrid();
  if (i >= num_nodes) return;
  const auto* from = reinterpret_cast<const Packet<T, kValues>*>(RowOf<T>(rows, nodes[i]));
  auto* to = reinterpret_cast<Packet<float, kValues>*>(out + i * rows.row_size);
  for (int64_t j = Lane(); j < rows.row_size / kValues; j += kWarpThreads) {
    const Packet<T, kValues> read = from[j];
    Packet<float, kValues> written;
    for (int v = 0; v < kValues; ++v) written.values[v] = AsFloat(read.values[v]);
    to[j] = written;
  }
}

template <typename T, int kValues>
void Launch(Device& device, const ReadableRows& rows, const int64_t* nodes, int64_t num_nodes,
            float* out) {
  device.Launch(GatherRowsKernel<T, kValues>, {BlocksOfWarps(num_nodes), kBlockThreads}, rows,
                nodes, num_nodes, out);
}

template <typename T>
void LaunchHalf(Device& device, const ReadableRows& rows, const int64_t* nodes, int64_t num_nodes,
                float* out) {
  if (rows.row_size % 2 == 0)
    Launch<T, 2>(device, rows, nodes, num_nodes, out);
  else
    Launch<T, 1>(device, rows, nodes, num_nodes, out);
}

}  // namespace

void GatherRows(Device& device, const ReadableRows& rows, DType dtype, const int64_t* nodes,
                int64_t num_nodes, float* out) {
  if (dtype == DType::kF16)
    LaunchHalf<__half>(device, rows, nodes, num_nodes, out);
  else if (dtype == DType::kBF16)
    LaunchHalf<__nv_bfloat16>(device, rows, nodes, num_nodes, out);
  else
    Launch<float, 1>(device, rows, nodes, num_nodes, out);
}

}  // namespace quadhop::cuda
