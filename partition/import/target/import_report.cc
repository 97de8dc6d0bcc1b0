#include "partition/import/target/import_report.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "core/base/counted.h"

namespace quadhop {

std::string ImportReport::Describe() const {
  std::string text = absl::StrCat(format, ": ", Counted(nodes, "node"), ", ");
  if (directed) {
    absl::StrAppend(&text, Counted(arcs, "arc"), " (directed): a node reads the nodes ",
                    reverse ? "from which arcs lead to it (--reverse)"
                            : "that its arcs lead to (PyG and DGL have it read those from which "
                              "arcs lead to it, as --reverse does)");
  } else {
    absl::StrAppend(&text, Counted(arcs / 2, "undirected edge"), " = ", Counted(arcs, "arc"));
  }
  absl::StrAppend(&text, "\narcs in the input: ", arcs_read,
                  "; removed: ", Counted(duplicates_removed, "duplicate"), ", ",
                  Counted(self_loops_removed, "self-loop"));
  if (!directed) absl::StrAppend(&text, "; added: ", Counted(inverses_added, "inverse"));
  absl::StrAppend(&text,
                  !directed ? "; isolated nodes: "
                  : reverse ? "; nodes without in-neighbours: "
                            : "; nodes without out-neighbours: ",
                  without_out_neighbours);
  absl::StrAppend(&text, "\nfeatures: ", features, "; ",
                  multi_label ? "labels of a multi-label target: " : "classes: ", classes);
  if (!class_sizes.empty())
    absl::StrAppend(&text, " (", absl::StrJoin(class_sizes, ", ", absl::PairFormatter(": ")), ")");
  absl::StrAppend(&text, "; unlabelled nodes: ", unlabelled);
  absl::StrAppend(&text, "\nsplits: ", splits.empty() ? "none" : absl::StrJoin(splits, ", "));
  constexpr size_t kSplitsShown = 5;
  for (size_t i = 0; i < std::min(split_sizes.size(), kSplitsShown); ++i)
    absl::StrAppend(&text, "\n  ", splits[i], ": ", split_sizes[i][1], " train, ",
                    split_sizes[i][2], " valid, ", split_sizes[i][3], " test");
  if (split_sizes.size() > kSplitsShown)
    absl::StrAppend(&text, "\n  and ", split_sizes.size() - kSplitsShown, " more");
  for (const std::string& note : notes) absl::StrAppend(&text, "\nnote: ", note);
  if (seconds > 0) {
    absl::StrAppendFormat(&text, "\n%.1f s", seconds);
    if (text_bytes > 0)
      absl::StrAppendFormat(&text, ", %.0f MB/s of text",
                            static_cast<double>(text_bytes) / 1e6 / seconds);
  }
  return text;
}

}  // namespace quadhop
