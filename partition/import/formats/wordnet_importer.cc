// WordNet 3.0 as a graph: a node is a synset, an arc a pointer, the class its lexicographer file,
// the features its words.
//
// The part of speech is not among the features: it gives most of the class away.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/tf_idf.h"
#include "partition/import/formats/wordnet.h"
#include "partition/linear_algebra/randomized_svd.h"

namespace quadhop {
namespace {

absl::Status AddArcs(const Wordnet& wordnet, ImportTarget& target) {
  std::vector<Arc> arcs;
  for (size_t i = 0; i < wordnet.pointer_sources.size(); ++i)
    arcs.push_back({wordnet.pointer_sources[i], wordnet.pointer_targets[i]});
  return target.AddArcs(arcs);
}

absl::Status AddLabelsAndNames(const Wordnet& wordnet, ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const absl::Span<int32_t> labels, target.AddLabels());
  std::string names;
  for (size_t v = 0; v < wordnet.synsets.size(); ++v) {
    const Synset& synset = wordnet.synsets[v];
    labels[v] = synset.lexicographer_file;
    absl::StrAppendFormat(&names, "%c%08d\n", synset.file, synset.offset);
  }
  const absl::Span<const absl::string_view> classes = LexicographerFiles();
  target.SetClassNames({classes.begin(), classes.end()});
  return target.SetOriginalNames(names);
}

absl::Status AddFeatures(const Wordnet& wordnet, const ImportOptions& options, ImportTarget& target,
                         ThreadPool& pool) {
  std::vector<std::string> texts;
  for (const Synset& synset : wordnet.synsets)
    texts.push_back(absl::StrCat(absl::StrJoin(synset.lemmas, " "), " ", synset.gloss));
  const TfIdf words = MakeTfIdf(texts);
  const SparseMatrix matrix = words.matrix();
  const int64_t wanted = options.project > 0 ? options.project : 128;
  const int64_t dim = std::min({wanted, matrix.num_rows, matrix.num_cols});
  if (dim == 0) {
    target.AddNote("no word stands in two synsets: no features");
    return absl::OkStatus();
  }
  QH_ASSIGN_OR_RETURN(const TensorView<float> features, target.AddFeatures(dim));
  QH_RETURN_IF_ERROR(RandomizedSvd(matrix, dim, options.seed, pool, features));
  // Rows have a length of at most 1. Weights are initialised for entries, not rows, of order 1.
  const float scale = static_cast<float>(std::sqrt(static_cast<double>(dim)));
  for (int64_t i = 0; i < features.size(); ++i) features[i] *= scale;
  target.AddNote(
      absl::StrCat("features: ", dim, " dimensions of the tf-idf of ", matrix.num_cols, " words"));
  return absl::OkStatus();
}

absl::Status ReadWordnetFolder(const ImportOptions& options, ImportTarget& target,
                               ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const Wordnet wordnet, ReadWordnet(options.from));
  const int64_t num_nodes = static_cast<int64_t>(wordnet.synsets.size());
  QH_RETURN_IF_ERROR(Annotate(target.SetNodes(num_nodes), options.from));
  QH_RETURN_IF_ERROR(AddArcs(wordnet, target));
  QH_RETURN_IF_ERROR(AddLabelsAndNames(wordnet, target));
  QH_RETURN_IF_ERROR(AddFeatures(wordnet, options, target, pool));
  target.AddRandomSplit();
  return absl::OkStatus();
}

bool IsWordnetFolder(const std::string& from) { return FileExists(from + "/data.noun"); }

}  // namespace

extern constinit const ImportFormat kWordnetFormat = {
    .name = "wordnet",
    .recognised_by = "a folder with data.noun",
    .recognises = IsWordnetFolder,
    .read = ReadWordnetFolder,
};

}  // namespace quadhop
