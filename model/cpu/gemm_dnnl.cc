#include <dnnl.h>
#include <omp.h>

#include "core/base/check.h"
#include "model/cpu/gemm.h"
#include "model/kernels/kernels.h"

// The bf16 sister of dnnl_sgemm: exported by oneDNN 2.x and 3.x, declared in no installed header,
// and so weak.
extern "C" __attribute__((weak)) dnnl_status_t dnnl_gemm_bf16bf16f32(
    char transa, char transb, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k, float alpha,
    const uint16_t* a, dnnl_dim_t lda, const uint16_t* b, dnnl_dim_t ldb, float beta, float* c,
    dnnl_dim_t ldc);

namespace quadhop::cpu {
namespace {

char Op(bool transposed) { return transposed ? 'T' : 'N'; }

// oneDNN would start OpenMP threads of its own, and cut the product by their number: for fixed
// results and for speed there must be one. The setting belongs to the calling thread and costs
// nothing.
void UseOneThread() { omp_set_num_threads(1); }

void Check(dnnl_status_t status) {
  QH_CHECK_EQ(static_cast<int>(status), static_cast<int>(dnnl_success));
}

}  // namespace

void Gemm(int64_t m, int64_t n, int64_t k, MatrixRef<float> a, MatrixRef<float> b, float beta,
          float* c, int64_t c_stride, float alpha) {
  UseOneThread();
  Check(dnnl_sgemm(Op(a.transposed), Op(b.transposed), m, n, k, alpha, a.data, a.stride, b.data,
                   b.stride, beta, c, c_stride));
}

void Gemm(int64_t m, int64_t n, int64_t k, MatrixRef<BFloat16> a, MatrixRef<BFloat16> b, float beta,
          float* c, int64_t c_stride, float alpha) {
  UseOneThread();
  Check(dnnl_gemm_bf16bf16f32(Op(a.transposed), Op(b.transposed), m, n, k, alpha, &a.data->bits,
                              a.stride, &b.data->bits, b.stride, beta, c, c_stride));
}

}  // namespace quadhop::cpu

namespace quadhop {

bool ProcessorHasBF16Products() {
#if defined(__x86_64__)
  return dnnl_gemm_bf16bf16f32 != nullptr && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace quadhop
