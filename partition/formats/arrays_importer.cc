// A user's own .npy arrays: arcs [2, E] or [E, 2], with --features, --labels and --splits.
#include <absl/strings/match.h>

#include <algorithm>
#include <vector>

#include "core/status.h"
#include "partition/formats/array_blocks.h"
#include "partition/formats/import_arcs.h"
#include "partition/formats/import_node_data.h"
#include "partition/importer.h"

namespace quadhop {
namespace {

class ArraysImporter : public Importer {
 public:
  absl::Status Read(const ImportOptions& options, ImportTarget& target, ThreadPool&) override {
    const ArrayOpener open = [&] { return ArraySource::OpenNpy(options.from); };
    QH_ASSIGN_OR_RETURN(int64_t num_nodes, NodesOfCompanions(options));
    if (num_nodes == 0) {
      QH_ASSIGN_OR_RETURN(ArraySource arcs, open());
      int64_t largest = -1;
      QH_RETURN_IF_ERROR(
          ForEachBlock<int64_t>(arcs, [&](absl::Span<const int64_t> ids, int64_t) -> absl::Status {
            for (const int64_t id : ids) largest = std::max(largest, id);
            return absl::OkStatus();
          }));
      num_nodes = largest + 1;
    }
    QH_RETURN_IF_ERROR(Annotate(target.SetNodes(num_nodes), options.from));
    QH_RETURN_IF_ERROR(ImportArcs(open, target));
    return ImportCompanions(options, target);
  }
};

}  // namespace

bool IsArrays(const std::string& from) { return absl::EndsWith(from, ".npy"); }

std::unique_ptr<Importer> MakeArraysImporter() { return std::make_unique<ArraysImporter>(); }

}  // namespace quadhop
