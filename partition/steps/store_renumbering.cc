#include "partition/steps/store_renumbering.h"

#include <cstring>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace quadhop {
namespace {

template <typename Index>
absl::Status AddTopology(const Topology& topology, const Numbering& numbering,
                         absl::Span<const Index> indices, StoreWriter& writer, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(
      const absl::Span<int64_t> new_indptr,
      writer.AddArrayOf<int64_t>("indptr.npy", {static_cast<int64_t>(topology.indptr.size())}));
  QH_ASSIGN_OR_RETURN(
      const absl::Span<Index> new_indices,
      writer.AddArrayOf<Index>("indices.npy", {static_cast<int64_t>(indices.size())}));
  RenumberTopology(topology, numbering, new_indptr, new_indices, pool);
  return absl::OkStatus();
}

absl::Status RenumberTopologyFiles(const Store& store, const Numbering& numbering,
                                   StoreWriter& writer, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const Topology topology, store.topology());
  if (topology.indices64.empty())
    return AddTopology(topology, numbering, topology.indices32, writer, pool);
  return AddTopology(topology, numbering, topology.indices64, writer, pool);
}

// An array [.., N, ..] whose dim `axis` (0 or 1) is nodes.
absl::Status RenumberArray(const Store& store, absl::string_view name, size_t axis,
                           const Numbering& numbering, StoreWriter& writer, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const NpyFile* file, store.array(name));
  const NpyHeader& header = file->header();
  if (header.dims.size() <= axis || header.dims[axis] != store.num_nodes() || header.fortran_order)
    return absl::DataLossError(absl::StrCat(file->file().path(), " has no row for each of the ",
                                            store.num_nodes(), " nodes: make the store again"));
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> data,
                      writer.AddArray(name, header.dtype, header.dims));
  const int64_t num_tables = axis == 0 ? 1 : header.dims[0];
  const int64_t table_bytes = num_tables == 0 ? 0 : header.data_bytes() / num_tables;
  const int64_t row_bytes = table_bytes / store.num_nodes();
  const auto* source = static_cast<const uint8_t*>(file->data());
  for (int64_t table = 0; table < num_tables; ++table)
    RenumberRows(source + table * table_bytes, numbering, row_bytes,
                 data.data() + table * table_bytes, pool);
  return absl::OkStatus();
}

// raw.indptr.npy with raw.indices.npy and raw.values.npy: rows of various lengths.
absl::Status RenumberSparseRows(const Store& store, const Numbering& numbering, StoreWriter& writer,
                                ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const NpyFile* indptr_file, store.array("raw.indptr.npy"));
  const absl::Span<const int64_t> indptr = indptr_file->values<int64_t>();
  const size_t num_nodes = numbering.old_of_new.size();
  if (indptr.size() != num_nodes + 1)
    return absl::DataLossError(absl::StrCat(indptr_file->file().path(), " has ", indptr.size(),
                                            " values, not ", num_nodes + 1));
  QH_ASSIGN_OR_RETURN(
      const absl::Span<int64_t> new_indptr,
      writer.AddArrayOf<int64_t>("raw.indptr.npy", {static_cast<int64_t>(indptr.size())}));
  new_indptr[0] = 0;
  for (size_t node = 0; node < num_nodes; ++node) {
    const auto old = static_cast<size_t>(numbering.old_of_new[node]);
    new_indptr[node + 1] = new_indptr[node] + indptr[old + 1] - indptr[old];
  }
  for (const absl::string_view name : {"raw.indices.npy", "raw.values.npy"}) {
    if (!store.HasFile(name)) continue;
    QH_ASSIGN_OR_RETURN(const NpyFile* file, store.array(name));
    QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> data,
                        writer.AddArray(name, file->header().dtype, file->header().dims));
    const int64_t size = SizeOfDType(file->header().dtype);
    const auto* source = static_cast<const uint8_t*>(file->data());
    constexpr int64_t kNodesPerBlock = 4096;
    const auto count = static_cast<int64_t>(num_nodes);
    pool.ParallelFor(NumBlocks(count, kNodesPerBlock), [&](int64_t block, int) {
      const BlockRange range = Block(block, count, kNodesPerBlock);
      for (auto node = static_cast<size_t>(range.begin); node < static_cast<size_t>(range.end);
           ++node) {
        const int64_t begin = indptr[static_cast<size_t>(numbering.old_of_new[node])];
        const int64_t length = new_indptr[node + 1] - new_indptr[node];
        std::memcpy(data.data() + new_indptr[node] * size, source + begin * size,
                    static_cast<size_t>(length * size));
      }
    });
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RenumberStore(const Store& store, const Numbering& numbering, StoreWriter& writer,
                           ThreadPool& pool) {
  for (const StoreFile& file : store.manifest().files()) {
    const std::string& name = file.name();
    if (name == "raw.npy" || name == "features.npy" || name == "labels.npy" ||
        name == "pos_enc.npy" || name == "original_ids.npy")
      QH_RETURN_IF_ERROR(RenumberArray(store, name, 0, numbering, writer, pool));
    else if (name == "splits.npy")
      QH_RETURN_IF_ERROR(RenumberArray(store, name, 1, numbering, writer, pool));
    else if (name == "indptr.npy")
      QH_RETURN_IF_ERROR(RenumberTopologyFiles(store, numbering, writer, pool));
    else if (name == "raw.indptr.npy")
      QH_RETURN_IF_ERROR(RenumberSparseRows(store, numbering, writer, pool));
    else if (name != "indices.npy" && name != "raw.indices.npy" && name != "raw.values.npy" &&
             name != kOriginalNames && name != kMomentsFile && name != kEncodingMomentsFile &&
             name != kLikeEncodingMomentsFile)
      return absl::UnimplementedError(
          absl::StrCat(store.path(), "/", name,
                       ": how to reorder this file is not known: make the store again "
                       "with this version of quadhop"));
  }
  return absl::OkStatus();
}

}  // namespace quadhop
