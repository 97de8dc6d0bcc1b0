// Subnormal numbers: floats between 0 and 1.2e-38, and doubles between 0 and 2.2e-308.
#pragma once

namespace quadhop {

// Makes arithmetic of this thread, and of threads that it creates from now on (as [cfenv.syn] of
// the C++ standard has it), take subnormal operands for 0 and return 0 instead of subnormal
// results. On x86-64, where each such operand or result costs some 150 cycles; elsewhere they are
// about as fast as others, and nothing is changed. A model whose attention has become sharp has
// many: probabilities of e^-90, and the products of small ones with small gradients.
void FlushSubnormals();

}  // namespace quadhop
