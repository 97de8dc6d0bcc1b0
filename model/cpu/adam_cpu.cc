// The optimiser's step.
#include "model/cpu/adam_step.h"
#include "model/cpu/kernels_cpu.h"
#include "model/kernels/formulas.h"

namespace quadhop::cpu {

void CpuKernels::DoAdam(const AdamArgs& args) {
  const AdamConstants constants = AdamConstantsOf(args);
  float gradient_scale = 1;
  if (args.clip_norm > 0) {
    double squares = 0;
    for (int64_t i = 0; i < args.gradient.size(); ++i)
      squares += double{args.gradient[i]} * double{args.gradient[i]};
    gradient_scale = GradientScale(squares, args.clip_norm);
  }
  constexpr int64_t kBlock = 16384;
  pool_.ParallelFor(NumBlocks(args.value.size(), kBlock), [&](int64_t item, int) {
    const BlockRange range = Block(item, args.value.size(), kBlock);
    AdamStep(constants, gradient_scale, args.gradient.data() + range.begin, range.end - range.begin,
             args.first_moment.data() + range.begin, args.second_moment.data() + range.begin,
             args.value.data() + range.begin);
  });
}

}  // namespace quadhop::cpu
