// WordNet 3.0's database files, data.{noun,verb,adj,adv}: wndb(5WN), lexnames(5WN).
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

struct Synset {
  char file =
      'n';  // n, v, a or r: the file that it stands in (satellites, ss_type s, stand in data.adj)
  int64_t offset = 0;               // its place in that file, which names it
  int32_t lexicographer_file = 0;   // in [0, LexicographerFiles().size())
  std::vector<std::string> lemmas;  // as written, without the syntactic marker of adjectives
  std::string gloss;                // definition and examples
};

struct Wordnet {
  std::vector<Synset> synsets;  // [N], in file order: noun, verb, adj, adv
  // Every pointer, semantic or lexical, in file order: rows of `synsets`.
  std::vector<int64_t> pointer_sources;  // [E]
  std::vector<int64_t> pointer_targets;  // [E]
};

// The names of the 45 lexicographer files, "adj.all", ..., "adj.ppl", by number.
absl::Span<const absl::string_view> LexicographerFiles();

// kNotFound if a file is absent; kInvalidArgument, naming file, line and field, if one is not of
// this layout or points to a synset that is not there.
absl::StatusOr<Wordnet> ReadWordnet(const std::string& folder);

}  // namespace quadhop
