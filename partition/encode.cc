#include "partition/encode.h"

#include <absl/strings/str_join.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <vector>

#include "core/checksum.h"
#include "core/file.h"
#include "core/status.h"
#include "core/store.h"
#include "core/tensor.h"
#include "partition/fast_random_projection.h"
#include "partition/memory.h"
#include "partition/provenance.h"
#include "partition/randomized_svd.h"
#include "partition/sparse_product.h"
#include "partition/sparse_transpose.h"
#include "partition/standardize.h"

namespace quadhop {
namespace {

constexpr int32_t kMaxDim = 65536;
constexpr int64_t kRowsPerBlock = 1024;

absl::Status CheckOptions(const EncodeOptions& options) {
  if (options.method == "file") {
    if (options.file.empty())
      return absl::InvalidArgumentError("method file needs the name of an .npy file (--file)");
    return absl::OkStatus();
  }
  if (options.method != "fastrp" && options.method != "svd")
    return absl::InvalidArgumentError(
        absl::StrCat("encoding method '", options.method, "' is unknown: use fastrp, svd or file"));
  if (options.dim < 1 || options.dim > kMaxDim)
    return absl::InvalidArgumentError(
        absl::StrCat("dim is ", options.dim, ": it must be 1 to ", kMaxDim));
  return absl::OkStatus();
}

absl::Status EncodeByProjection(const Store& store, const EncodeOptions& options, ThreadPool& pool,
                                TensorView<float> out) {
  QH_RETURN_IF_ERROR(CheckMemory("encode by fastrp", 2 * out.size() * int64_t{sizeof(float)},
                                 options.memory_bytes));
  QH_ASSIGN_OR_RETURN(const Topology topology, store.topology());
  QH_ASSIGN_OR_RETURN(const absl::Span<const int64_t> keys, store.original_ids());
  FastRandomProjection(NormalizedAdjacency(topology, pool), keys, options.seed, pool, out);
  return absl::OkStatus();
}

absl::Status EncodeBySvd(const Store& store, const EncodeOptions& options, ThreadPool& pool,
                         TensorView<float> out) {
  QH_ASSIGN_OR_RETURN(const Topology topology, store.topology());
  QH_ASSIGN_OR_RETURN(const absl::Span<const int64_t> keys, store.original_ids());
  const int64_t num_nodes = topology.num_nodes();
  const bool directed = store.manifest().directed();
  if (directed && !topology.indices64.empty())
    return absl::UnimplementedError(absl::StrCat("svd of a directed graph of ", num_nodes,
                                                 " nodes: use --method fastrp beyond 2^32"));
  const NormalizedAdjacency adjacency(topology, pool);
  OwnedSparseMatrix transposed;
  if (directed)
    transposed = Transpose({num_nodes, num_nodes, topology.indptr, topology.indices32, {}});
  LinearMap map;
  map.num_rows = map.num_cols = num_nodes;
  map.column_keys = keys;
  map.multiply = [&](TensorView<const float> x, TensorView<float> y) {
    adjacency.Multiply(x, y, pool);
  };
  map.multiply_transposed = [&](TensorView<const float> y, TensorView<float> x) {
    if (directed)
      Multiply(transposed.view(), {adjacency.row_sum_scale(), adjacency.column_sum_scale(), true},
               y, x, pool);
    else
      adjacency.Multiply(y, x, pool);  // symmetric
  };
  QH_RETURN_IF_ERROR(RandomizedSvd(map, options.dim, options.seed, pool, out));
  StandardizeColumns(out, pool);
  return absl::OkStatus();
}

// An .npy file of encodings in original node order.
absl::StatusOr<NpyFile> OpenEncodings(const std::string& path, int64_t num_nodes) {
  QH_ASSIGN_OR_RETURN(NpyFile file, NpyFile::Open(path));
  const NpyHeader& header = file.header();
  if (header.dims.size() != 2 || header.dims[0] != num_nodes || header.dims[1] < 1 ||
      header.dims[1] > kMaxDim)
    return absl::InvalidArgumentError(absl::StrCat(path, " has dims [",
                                                   absl::StrJoin(header.dims, ", "), "], not [",
                                                   num_nodes, ", 1 to ", kMaxDim, "]"));
  if (header.fortran_order)
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is in column order: save numpy.ascontiguousarray of it"));
  if (header.dtype != DType::kF32 && header.dtype != DType::kF64 && header.dtype != DType::kF16)
    return absl::InvalidArgumentError(absl::StrCat(path, " holds ", DTypeName(header.dtype),
                                                   ": save it as float32, float64 or float16"));
  return file;
}

void CopyEncodingRow(const NpyFile& file, int64_t row, TensorView<float> out, int64_t node) {
  const int64_t width = out.dim(1);
  const DType dtype = file.header().dtype;
  const auto* source = static_cast<const uint8_t*>(file.data()) + row * width * SizeOfDType(dtype);
  if (dtype == DType::kF64) {
    const auto* values = reinterpret_cast<const double*>(source);
    for (int64_t i = 0; i < width; ++i) out.row(node)[i] = static_cast<float>(values[i]);
  } else {
    ConvertToFloat(dtype, source, width, out.row(node));
  }
}

absl::Status EncodeByFile(const Store& store, const NpyFile& file, ThreadPool& pool,
                          TensorView<float> out) {
  QH_ASSIGN_OR_RETURN(const absl::Span<const int64_t> ids, store.original_ids());
  const int64_t num_nodes = store.num_nodes(), width = out.dim(1);
  std::atomic<int64_t> wrong_row = -1;
  std::atomic<bool> wrong_id = false;
  pool.ParallelFor(NumBlocks(num_nodes, kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_nodes, kRowsPerBlock);
    for (int64_t node = range.begin; node < range.end; ++node) {
      const int64_t row = ids[static_cast<size_t>(node)];
      if (row < 0 || row >= num_nodes) {
        wrong_id = true;
        continue;
      }
      CopyEncodingRow(file, row, out, node);
      const float* values = out.row(node);
      if (!std::all_of(values, values + width, [](float x) { return std::isfinite(x); }))
        wrong_row = row;
    }
  });
  if (wrong_id)
    return absl::DataLossError(absl::StrCat(store.path(), "/original_ids.npy has ids beyond ",
                                            num_nodes, ": run `quadhop import` again"));
  if (wrong_row >= 0)
    return absl::InvalidArgumentError(absl::StrCat(file.file().path(), " row ", wrong_row.load(),
                                                   " has a value that is not a finite float"));
  return absl::OkStatus();
}

// What was made from the encodings before is not valid any more.
void StrikeFeaturesOfEncodings(const Store& store, StoreWriter& writer) {
  if (store.manifest().features() > 0 || !store.HasFile("features.npy")) return;
  writer.Remove("features.npy");
  writer.manifest().set_hops(0);
  writer.manifest().clear_feature_dtype();
  StrikeStep(writer.manifest(), "propagate");
}

}  // namespace

absl::StatusOr<std::string> EncodeOptions::ToString() const {
  if (method != "file") return absl::StrCat("method=", method, " dim=", dim, " seed=", seed);
  QH_ASSIGN_OR_RETURN(const MappedFile content, MappedFile::Open(file));
  return absl::StrCat("method=file xxh3=",
                      HexOf(Xxh3(content.bytes().data(), content.bytes().size())));
}

absl::Status EncodeStore(const std::string& path, const EncodeOptions& options, ThreadPool& pool) {
  QH_RETURN_IF_ERROR(CheckOptions(options));
  QH_ASSIGN_OR_RETURN(const std::string options_text, options.ToString());
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(path));
  const int64_t num_nodes = store->num_nodes();
  NpyFile file;
  int64_t dim = options.dim;
  if (options.method == "file") {
    QH_ASSIGN_OR_RETURN(file, OpenEncodings(options.file, num_nodes));
    dim = file.header().dims[1];
  }
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<StoreWriter> writer, StoreWriter::Begin(path));
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> data,
                      writer->AddArray("pos_enc.npy", DType::kF32, {num_nodes, dim}));
  const TensorView<float> out(reinterpret_cast<float*>(data.data()), {num_nodes, dim});
  if (options.method == "fastrp")
    QH_RETURN_IF_ERROR(EncodeByProjection(*store, options, pool, out));
  else if (options.method == "svd")
    QH_RETURN_IF_ERROR(EncodeBySvd(*store, options, pool, out));
  else
    QH_RETURN_IF_ERROR(EncodeByFile(*store, file, pool, out));
  StrikeFeaturesOfEncodings(*store, *writer);
  writer->manifest().set_pos_enc_width(static_cast<int32_t>(dim));
  return writer->Commit(MakeProvenance("encode", options_text), pool);
}

}  // namespace quadhop
