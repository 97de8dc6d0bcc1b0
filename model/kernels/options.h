// What a LargeGT is made of: sizes and choices. launch/config.proto documents each choice and its
// default.
#pragma once

#include <cstdint>

namespace quadhop {

enum class Conv { kFull, kLocal, kGlobal, kNone };
enum class NormKind { kBatch, kLayer, kNone };
enum class CodebookStart { kData, kPaper };
// The precision of the operands of products; sums, norms and softmax are in float. TF32: floats, of
// whose mantissa products on GPUs take 10 bits. BF16: operands of the local module in bf16, the
// others in TF32 on GPUs and F32 on CPUs.
enum class Precision { kF32, kTF32, kBF16 };
inline const char* PrecisionName(Precision p) {
  if (p == Precision::kTF32) return "TF32";
  return p == Precision::kBF16 ? "BF16" : "F32";
}
enum class LossKind { kCrossEntropy, kBinary };

// The dims of DESIGN.md section 4, with their letters.
struct LargeGTDims {
  int64_t features = 0;       // F
  int64_t hops_and_self = 3;  // tokens of one sampled node: its own features and those of each hop
  int64_t sampled = 0;        // K, the node itself first
  int64_t pos_enc = 0;        // G
  int64_t width = 0;          // H
  int64_t heads = 0;          // h
  int64_t centroids = 0;      // M
  int64_t classes = 0;        // C
  // Tokens carry marks: columns after their features, with 1 in the column of the token's kind and
  // 0 elsewhere. Kinds: [own features, each hop] of other nodes, then of the node itself.
  bool token_marks = false;
  bool head_features = false;  // the head takes the node's own features and those of each hop, too

  int64_t marks() const { return token_marks ? 2 * hops_and_self : 0; }
  int64_t own_columns() const { return head_features ? hops_and_self * features : 0; }
  int64_t token_columns() const { return features + marks(); }
  int64_t sequence() const { return hops_and_self * sampled; }  // S
  int64_t wide() const { return heads * width; }                // h*H
  int64_t query() const { return 2 * pos_enc; }                 // 2G
};

struct LargeGTOptions {
  LargeGTDims dims;
  Conv conv = Conv::kFull;
  NormKind norm = NormKind::kBatch;
  CodebookStart codebook_start = CodebookStart::kData;
  LossKind loss = LossKind::kCrossEntropy;
  Precision precision = Precision::kF32;
  double ff_dropout = 0.5;
  double local_dropout = 0.3;
  double attention_dropout = 0;
  double ema_decay = 0.99;
  uint64_t seed = 0;
  bool cuda_graphs = false;  // results are the same to the last bit

  bool has_local() const { return conv == Conv::kFull || conv == Conv::kLocal; }
  bool has_global() const { return conv == Conv::kFull || conv == Conv::kGlobal; }
  bool has_input() const { return conv != Conv::kLocal; }  // fc_in: the node's own features
  // Columns that the head takes: the outputs of the local and the global module, or fc_in's if
  // there are none; then the node's own.
  int64_t head_inputs() const { return own_column() + dims.own_columns(); }
  int64_t global_column() const { return has_local() * dims.wide(); }  // the first
  int64_t own_column() const {
    return conv == Conv::kNone ? dims.width : (has_local() + has_global()) * dims.wide();
  }
};

// The paper's names of node-level layers. A layer's number is its place in a sequence, and so
// depends on the norm.
struct LayerNames {
  explicit LayerNames(NormKind norm)
      : in_second(norm == NormKind::kNone ? "fc_in.3" : "fc_in.4"),
        head_second(norm == NormKind::kNone ? "ffs.0.3" : "ffs.0.4") {}
  const char* in_first = "fc_in.0";
  const char* in_norm = "fc_in.1";
  const char* in_second;
  const char* head_first = "ffs.0.0";
  const char* head_first_norm = "ffs.0.1";
  const char* head_second;
  const char* head_second_norm = "ffs.0.5";
  const char* out = "fc_out";
};

}  // namespace quadhop
