#include "partition/import/importer.h"

namespace quadhop {
namespace {

bool Always(const std::string&) { return true; }
bool Never(const std::string&) { return false; }

}  // namespace

absl::Span<const ImportFormat> AllImportFormats() {
  static constexpr ImportFormat kFormats[] = {
      {"ogb", "a folder with raw/edge.csv.gz or raw/edge.csv", IsOgbFolder, MakeOgbImporter,
       LacksOgbSplit, false, MeasureOgbFolder},
      {"ogb-binary", "a folder with raw/data.npz or raw/edge_index.npy", IsOgbBinaryFolder,
       MakeOgbBinaryImporter, LacksOgbSplit, false, MeasureOgbBinaryFolder},
      {"wordnet", "a folder with data.noun", IsWordnetFolder, MakeWordnetImporter, Always, false},
      {"graphsaint", "a folder with adj_full.npz, or with reddit_data.npz", IsGraphSaintFolder,
       MakeGraphSaintImporter, Never, false},
      {"dgl", "a folder with DGL's metadata.json of chunks", IsDglFolder, MakeDglImporter, Always,
       false},
      {"planetoid", "DIR/ind.NAME, or a folder with one ind.NAME.graph", IsPlanetoid,
       MakePlanetoidImporter, Never, false},
      {"shchur", "an .npz with adj_indptr or adj_matrix", IsShchurNpz, MakeShchurImporter, Always,
       false},
      {"pyg", "an .npz or .pt with edge_index or edges", IsPyg, MakePygImporter, Always, true,
       MeasurePyg},
      {"scipy", "an .npz of scipy.sparse.save_npz", IsScipyNpz, MakeScipyImporter, Always, true,
       MeasureScipy},
      {"linkx", "a .mat with A, edge_index, network or homo", IsLinkxMat, MakeLinkxImporter, Always,
       false},
      {"matrix-market", "a file that begins with %%MatrixMarket", IsMatrixMarket,
       MakeMatrixMarketImporter, Always, true, MeasureMatrixMarket},
      {"metis-graph", "a file NAME.graph or NAME.graph.gz", IsMetisGraph, MakeMetisGraphImporter,
       Always, true, MeasureMetisGraph},
      {"arrays", "an .npy of arcs, [2, E] or [E, 2]", IsArrays, MakeArraysImporter, Always, true,
       MeasureArrays},
      {"edge-list", "a text, plain or gzip, of two numbers a line", IsEdgeList,
       MakeEdgeListImporter, Always, true},
  };
  return kFormats;
}

}  // namespace quadhop
