#include "partition/importer.h"

namespace quadhop {

absl::Span<const ImportFormat> AllImportFormats() {
  static constexpr ImportFormat kFormats[] = {
      {.name = "ogb",
       .recognised_by = "a folder with raw/edge.csv.gz or raw/edge.csv",
       .recognises = IsOgbFolder,
       .make = MakeOgbImporter,
       .uses_seed = false,
       .uses_svd_dim = false},
      {.name = "wordnet",
       .recognised_by = "a folder with data.noun",
       .recognises = IsWordnetFolder,
       .make = MakeWordnetImporter,
       .uses_seed = true,
       .uses_svd_dim = true},
  };
  return kFormats;
}

}  // namespace quadhop
