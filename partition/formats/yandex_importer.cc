// The .npz of the heterophilous graphs (Platonov et al., "A critical look at the evaluation of GNNs
// under heterophily", 2023), https://github.com/yandex-research/heterophilous-graphs:
//
//   node_features [N, F]  edges [E, 2], each undirected one once  node_labels [N], if there are
//   train_masks, val_masks, test_masks [10, N], in either order; or train_mask, ... [N]
#include <absl/strings/match.h>

#include <filesystem>
#include <utility>

#include "core/status.h"
#include "partition/formats/import_arcs.h"
#include "partition/formats/import_node_data.h"
#include "partition/formats/import_splits.h"
#include "partition/formats/npz_file.h"
#include "partition/importer.h"

namespace quadhop {
namespace {

class YandexImporter : public Importer {
 public:
  absl::Status Read(const ImportOptions& options, ImportTarget& target, ThreadPool&) override {
    QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(options.from, target.memory_bytes()));
    QH_ASSIGN_OR_RETURN(ArraySource features, npz.Array("node_features"));
    if (features.dims().empty())
      return ArrayError(features.place(), "a single number", "[N, F] is needed");
    QH_RETURN_IF_ERROR(Annotate(target.SetNodes(features.dims()[0]), features.place()));
    QH_RETURN_IF_ERROR(ImportFeatures(std::move(features), target));
    QH_RETURN_IF_ERROR(ImportArcs(npz.Opener("edges"), target));
    if (npz.Has("node_labels")) {
      QH_ASSIGN_OR_RETURN(ArraySource labels, npz.Array("node_labels"));
      QH_RETURN_IF_ERROR(ImportLabels(std::move(labels), target));
    } else {
      target.AddNote("no node_labels: the store has no labels and cannot be trained on");
    }
    const std::string name = std::filesystem::path(options.from).filename();
    if (absl::StrContains(name, "directed") && !options.directed)
      target.AddNote("the file's name says that the graph is directed: --directed keeps it so");
    return ImportMasksOrRandomSplit(npz.arrays(), {"node_features", "node_labels", "edges"},
                                    target);
  }
};

}  // namespace

bool IsYandexNpz(const std::string& from) { return IsNpzWith(from, {"node_features", "edges"}); }

std::unique_ptr<Importer> MakeYandexImporter() { return std::make_unique<YandexImporter>(); }

}  // namespace quadhop
