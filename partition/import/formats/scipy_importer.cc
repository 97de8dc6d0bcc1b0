// A sparse adjacency alone, as scipy.sparse.save_npz writes it: csr, csc or coo, with --features,
// --labels and --splits.
#include "core/base/status.h"
#include "partition/import/arrays/npz_file.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/npz_adjacency.h"

namespace quadhop {
namespace {

absl::Status ReadScipy(const ImportOptions& options, ImportTarget& target, ThreadPool&) {
  QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(options.from, target.memory_bytes()));
  QH_RETURN_IF_ERROR(ImportNpzAdjacency(npz, "", target));
  return ImportCompanions(options, target);
}

bool IsScipyNpz(const std::string& from) {
  return IsNpzWith(from, {"shape", "indptr", "indices"}) ||
         IsNpzWith(from, {"shape", "row", "col"}) || IsNpzWith(from, {"shape", "format"});
}

absl::StatusOr<absl::optional<PrepShape>> MeasureScipy(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(options.from, 0));
  QH_ASSIGN_OR_RETURN(const AdjacencySize size, MeasureNpzAdjacency(npz, ""));
  return MeasureWithCompanions(options, size.nodes, size.arcs);
}

}  // namespace

extern constinit const ImportFormat kScipyFormat = {
    .name = "scipy",
    .recognised_by = "an .npz of scipy.sparse.save_npz",
    .recognises = IsScipyNpz,
    .read = ReadScipy,
    .takes_companions = true,
    .measure = MeasureScipy,
};

}  // namespace quadhop
