#include <dnnl.h>
#include <omp.h>

#include "core/check.h"
#include "model/cpu/gemm.h"

namespace quadhop::cpu {

void Gemm(int64_t m, int64_t n, int64_t k, MatrixRef a, MatrixRef b, float beta, float* c,
          int64_t c_stride, float alpha) {
  // oneDNN would start OpenMP threads of its own, and cut the product by their number: digits and
  // speed both want one. The setting belongs to the calling thread and costs nothing.
  omp_set_num_threads(1);
  const dnnl_status_t status =
      dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, alpha, a.data,
                 a.stride, b.data, b.stride, beta, c, c_stride);
  QH_CHECK_EQ(static_cast<int>(status), static_cast<int>(dnnl_success));
}

}  // namespace quadhop::cpu
