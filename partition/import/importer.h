// The interface of input formats. A new format is one file x_importer.cc and one line in
// importer.cc.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <memory>
#include <string>

#include "core/thread_pool.h"
#include "partition/import/import.h"
#include "partition/import/import_target.h"

namespace quadhop {

// One format. Reads options.from; directed and store are not its business.
class Importer {
 public:
  virtual ~Importer() = default;

  // Fills the target: SetNodes first, then the rest in any order. Streams: never the whole input in
  // memory twice. Errors as Import's.
  virtual absl::Status Read(const ImportOptions& options, ImportTarget& target,
                            ThreadPool& pool) = 0;
};

struct ImportFormat {
  const char* name;           // of --format
  const char* recognised_by;  // for people: the files it looks for
  bool (*recognises)(const std::string& from);
  std::unique_ptr<Importer> (*make)();
  // Where nothing is projected: for the provenance. If not, the input has splits of its own.
  bool (*uses_seed)(const std::string& from);
  bool takes_companions;  // --features and --labels
  // Nodes, edges as they stand, and features, without reading them; nothing where that cannot be
  // told; or null.
  absl::StatusOr<absl::optional<PrepShape>> (*measure)(const ImportOptions& options) = nullptr;
};

// Every format, in the order in which "auto" asks them.
absl::Span<const ImportFormat> AllImportFormats();

// OGB's raw csv folders (ogb_importer.cc).
bool IsOgbFolder(const std::string& from);
bool LacksOgbSplit(const std::string& from);  // likewise of binary folders
absl::StatusOr<absl::optional<PrepShape>> MeasureOgbFolder(const ImportOptions& options);
std::unique_ptr<Importer> MakeOgbImporter();

// OGB's binary folders, data.npz (ogb_binary_importer.cc).
bool IsOgbBinaryFolder(const std::string& from);
absl::StatusOr<absl::optional<PrepShape>> MeasureOgbBinaryFolder(const ImportOptions& options);
std::unique_ptr<Importer> MakeOgbBinaryImporter();

// WordNet 3.0's data files (wordnet_importer.cc).
bool IsWordnetFolder(const std::string& from);
std::unique_ptr<Importer> MakeWordnetImporter();

// GraphSAINT's and Reddit's folders (graphsaint_importer.cc).
bool IsGraphSaintFolder(const std::string& from);
std::unique_ptr<Importer> MakeGraphSaintImporter();

// DGL's chunked graphs (dgl_importer.cc).
bool IsDglFolder(const std::string& from);
std::unique_ptr<Importer> MakeDglImporter();

// Planetoid's ind.NAME.* (planetoid_importer.cc).
bool IsPlanetoid(const std::string& from);
std::unique_ptr<Importer> MakePlanetoidImporter();

// The gnn-benchmark's .npz (shchur_importer.cc).
bool IsShchurNpz(const std::string& from);
std::unique_ptr<Importer> MakeShchurImporter();

// The arrays of PyTorch Geometric's graphs in an .npz or a .pt (pyg_importer.cc).
bool IsPyg(const std::string& from);
absl::StatusOr<absl::optional<PrepShape>> MeasurePyg(const ImportOptions& options);
std::unique_ptr<Importer> MakePygImporter();

// What scipy.sparse.save_npz writes (scipy_importer.cc).
bool IsScipyNpz(const std::string& from);
absl::StatusOr<absl::optional<PrepShape>> MeasureScipy(const ImportOptions& options);
std::unique_ptr<Importer> MakeScipyImporter();

// .mat files of LINKX and others (linkx_importer.cc).
bool IsLinkxMat(const std::string& from);
std::unique_ptr<Importer> MakeLinkxImporter();

// Matrix Market (matrix_market_importer.cc).
bool IsMatrixMarket(const std::string& from);
absl::StatusOr<absl::optional<PrepShape>> MeasureMatrixMarket(const ImportOptions& options);
std::unique_ptr<Importer> MakeMatrixMarketImporter();

// METIS's .graph (metis_graph_importer.cc).
bool IsMetisGraph(const std::string& from);
absl::StatusOr<absl::optional<PrepShape>> MeasureMetisGraph(const ImportOptions& options);
std::unique_ptr<Importer> MakeMetisGraphImporter();

// A user's own .npy arrays (arrays_importer.cc).
bool IsArrays(const std::string& from);
absl::StatusOr<absl::optional<PrepShape>> MeasureArrays(const ImportOptions& options);
std::unique_ptr<Importer> MakeArraysImporter();

// SNAP's edge lists (edge_list_importer.cc).
bool IsEdgeList(const std::string& from);
std::unique_ptr<Importer> MakeEdgeListImporter();

}  // namespace quadhop
