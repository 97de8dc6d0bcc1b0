#include "partition/importer.h"

namespace quadhop {

absl::Span<const ImportFormat> AllImportFormats() {
  static constexpr ImportFormat kFormats[] = {
      {"ogb", "a folder with raw/edge.csv.gz or raw/edge.csv", IsOgbFolder, MakeOgbImporter, false,
       false, MeasureOgbFolder},
      {"ogb-binary", "a folder with raw/data.npz or raw/edge_index.npy", IsOgbBinaryFolder,
       MakeOgbBinaryImporter, false, false, MeasureOgbBinaryFolder},
      {"wordnet", "a folder with data.noun", IsWordnetFolder, MakeWordnetImporter, true, false},
      {"graphsaint", "a folder with adj_full.npz, or with reddit_data.npz", IsGraphSaintFolder,
       MakeGraphSaintImporter, false, false},
      {"dgl", "a folder with DGL's metadata.json of chunks", IsDglFolder, MakeDglImporter, true,
       false},
      {"planetoid", "DIR/ind.NAME, or a folder with one ind.NAME.graph", IsPlanetoid,
       MakePlanetoidImporter, false, false},
      {"shchur", "an .npz with adj_indptr or adj_matrix", IsShchurNpz, MakeShchurImporter, true,
       false},
      {"yandex", "an .npz with node_features and edges", IsYandexNpz, MakeYandexImporter, true,
       false},
      {"linkx", "a .mat with A, edge_index, network or homo", IsLinkxMat, MakeLinkxImporter, true,
       false},
      {"matrix-market", "a file that begins with %%MatrixMarket", IsMatrixMarket,
       MakeMatrixMarketImporter, true, true},
      {"metis-graph", "a file NAME.graph or NAME.graph.gz", IsMetisGraph, MakeMetisGraphImporter,
       true, true},
      {"arrays", "an .npy of arcs, [2, E] or [E, 2]", IsArrays, MakeArraysImporter, true, true},
      {"edge-list", "a text, plain or gzip, of two numbers a line", IsEdgeList,
       MakeEdgeListImporter, true, true},
  };
  return kFormats;
}

}  // namespace quadhop
