#include <type_traits>

#include "model/cuda/token_attention_cuda.h"

namespace quadhop::cuda {

template <typename T>
void TokenAttentionForward(Device& device, const TokenAttention<T>& args) {
  if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    if (HopperTakes(device, args)) return HopperAttentionForward(device, args);
  }
  PortableAttentionForward(device, args);
}

template <typename T>
void TokenAttentionBackward(Device& device, const TokenAttention<T>& args) {
  if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    if (HopperTakes(device, args)) return HopperAttentionBackward(device, args);
  }
  PortableAttentionBackward(device, args);
}

template void TokenAttentionForward(Device&, const TokenAttention<float>&);
template void TokenAttentionForward(Device&, const TokenAttention<__nv_bfloat16>&);
template void TokenAttentionBackward(Device&, const TokenAttention<float>&);
template void TokenAttentionBackward(Device&, const TokenAttention<__nv_bfloat16>&);

}  // namespace quadhop::cuda
