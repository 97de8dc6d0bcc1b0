#include "partition/import/bytes/inflater.h"

#include <isa-l/igzip_lib.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>

namespace quadhop {
namespace {

// ISA-L counts bytes in 32 bits.
constexpr size_t kMaxBytesACall = size_t{1} << 30;

const char* ReasonOf(int code) {
  switch (code) {
    case ISAL_INVALID_BLOCK:
      return "an invalid block";
    case ISAL_INVALID_SYMBOL:
      return "an invalid symbol";
    case ISAL_INVALID_LOOKBACK:
      return "an invalid distance";
    case ISAL_INVALID_WRAPPER:
      return "an invalid header";
    case ISAL_UNSUPPORTED_METHOD:
      return "an unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
      return "a wrong checksum";
    case ISAL_NEED_DICT:
      return "it asks for a preset dictionary";
    default:
      return "an error of the inflater";
  }
}

uint32_t WrapperFlag(Inflater::Wrapper wrapper) {
  switch (wrapper) {
    case Inflater::Wrapper::kGzip:
      return ISAL_GZIP;
    case Inflater::Wrapper::kZlib:
      return ISAL_ZLIB;
    case Inflater::Wrapper::kNone:
      break;
  }
  return ISAL_DEFLATE;
}

#if defined(__x86_64__)
__attribute__((target("avx"))) void ZeroUpper() { _mm256_zeroupper(); }
#endif

}  // namespace

void ClearUpperHalves() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx")) ZeroUpper();
#endif
}

Inflater::Inflater(Wrapper wrapper) : wrapper_(wrapper), state_(std::make_unique<inflate_state>()) {
  Begin();
}

Inflater::~Inflater() = default;

void Inflater::Begin() {
  isal_inflate_init(state_.get());
  state_->crc_flag = WrapperFlag(wrapper_);
}

absl::StatusOr<Inflater::Progress> Inflater::Inflate(absl::Span<const uint8_t> in,
                                                     absl::Span<char> out) {
  state_->next_in = const_cast<uint8_t*>(in.data());  // ISA-L does not write to it
  state_->avail_in = static_cast<uint32_t>(std::min(in.size(), kMaxBytesACall));
  state_->next_out = reinterpret_cast<uint8_t*>(out.data());
  state_->avail_out = static_cast<uint32_t>(std::min(out.size(), kMaxBytesACall));
  const int code = isal_inflate(state_.get());
  ClearUpperHalves();
  if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT && code != ISAL_OUT_OVERFLOW)
    return absl::DataLossError(ReasonOf(code));
  return Progress{state_->next_in - in.data(),
                  state_->next_out - reinterpret_cast<uint8_t*>(out.data()),
                  state_->block_state == ISAL_BLOCK_FINISH};
}

}  // namespace quadhop
