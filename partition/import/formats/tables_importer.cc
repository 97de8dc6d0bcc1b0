// Two tables: an edge list, and one of nodes, `--nodes`, by whose names the edges speak of them. So
// does what people export of a database; LINQS's cora.cites and cora.content; DGL's CSVDataset.
//
// Nodes are numbered as they stand in the first table of nodes; original_names.txt keeps their
// names. Further tables tell more of the same nodes. Columns: node_table.h, edge_columns.h. Arcs
// that name a node which the table has not are left aside and counted.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/casts.h"
#include "core/counted.h"
#include "core/status.h"
#include "partition/import/formats/class_texts.h"
#include "partition/import/formats/edge_columns.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/node_names.h"
#include "partition/import/formats/node_table.h"
#include "partition/import/import_format.h"

namespace quadhop {
namespace {

constexpr absl::string_view kComments = "#%";

absl::StatusOr<std::vector<NodeTable>> OpenTables(const ImportOptions& options) {
  std::vector<NodeTable> tables;
  for (const std::string& path : options.nodes) {
    QH_ASSIGN_OR_RETURN(NodeTable table, NodeTable::Open(path, options.label));
    tables.push_back(std::move(table));
  }
  return tables;
}

// The one table that has what is asked for; null if none has.
absl::StatusOr<const NodeTable*> TheOne(absl::Span<const NodeTable> tables,
                                        bool (NodeTable::*has)() const, absl::string_view what) {
  const NodeTable* found = nullptr;
  for (const NodeTable& table : tables) {
    if (!(table.*has)()) continue;
    if (found != nullptr)
      return absl::InvalidArgumentError(absl::StrCat("--nodes ", found->path(), " and ",
                                                     table.path(), " both have ", what,
                                                     ": leave one of them away"));
    found = &table;
  }
  return found;
}

class TablesImporter {
 public:
  TablesImporter(const ImportOptions& options, ImportTarget& target, ThreadPool& pool)
      : options_(options), target_(target), pool_(pool) {}

  absl::Status Read() {
    QH_RETURN_IF_ERROR(FindTables());
    QH_RETURN_IF_ERROR(ReadNames());
    QH_RETURN_IF_ERROR(ReadArcs());
    QH_RETURN_IF_ERROR(AddFeatures());
    QH_RETURN_IF_ERROR(AddLabels());
    QH_RETURN_IF_ERROR(ReadRows());
    if (splits_from_ != nullptr)
      target_.AddSplit("split", std::move(split_));
    else if (target_.has_labels())
      target_.AddRandomSplit();
    return target_.SetOriginalNames(names_->text());
  }

 private:
  absl::Status FindTables() {
    QH_ASSIGN_OR_RETURN(tables_, OpenTables(options_));
    QH_ASSIGN_OR_RETURN(labels_from_, TheOne(tables_, &NodeTable::has_labels, "labels"));
    QH_ASSIGN_OR_RETURN(splits_from_, TheOne(tables_, &NodeTable::has_splits, "a split"));
    for (const NodeTable& table : tables_) target_.AddNote(table.Describe());
    if (labels_from_ != nullptr || options_.label.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("--label ", options_.label, " is no column of --nodes: ",
                     absl::StrJoin(tables_, ", ", [](std::string* out, const NodeTable& table) {
                       absl::StrAppend(out, table.ColumnNames());
                     })));
  }

  // Chunks come in any order.
  absl::Status ReadNames() {
    const NodeTable& table = tables_.front();
    std::map<int64_t, std::string> parts;  // by their first line
    std::mutex mutex;                      // guards parts
    QH_RETURN_IF_ERROR(table.ForEachChunk(target_, pool_, [&](const TextChunk& chunk) {
      std::string part;
      const absl::Status status = table.ForEachRow(chunk, [&](const Fields& fields, int64_t) {
        absl::StrAppend(&part, table.Name(fields), "\n");
        return absl::OkStatus();
      });
      const std::lock_guard<std::mutex> lock(mutex);
      parts[chunk.first_line] = std::move(part);
      return status;
    }));
    std::string text;
    for (auto& [line, part] : parts) {
      text += part;
      part = {};
    }
    QH_ASSIGN_OR_RETURN(names_,
                        NodeNames::Make(std::move(text), table.path(), table.num_header_lines(),
                                        target_.memory_bytes() / 2));
    return Annotate(target_.SetNodes(names_->num_nodes()), table.path());
  }

  absl::Status ReadArcs() {
    QH_ASSIGN_OR_RETURN(const EdgeColumns columns,
                        EdgeColumns::FindNamed(options_.from, kComments, *names_));
    if (!columns.note().empty()) target_.AddNote(columns.note());
    if (columns.has_further()) target_.AddNote("further columns are left aside");
    Strays strays;
    std::atomic<int64_t> num_arcs = 0;
    const auto take = [&](absl::string_view line, int64_t number,
                          std::vector<Arc>* arcs) -> absl::Status {
      if (IsComment(line, kComments) || number == columns.header()) return absl::OkStatus();
      Fields fields;
      QH_RETURN_IF_ERROR(columns.SplitLine(line, number, &fields));
      const Arc arc = {names_->NodeOf(fields[columns.field(0)]),
                       names_->NodeOf(fields[columns.field(1)])};
      const int end = arc.source == NodeNames::kNone ? 0 : 1;
      if (arc.source != NodeNames::kNone && arc.target != NodeNames::kNone)
        arcs->push_back(arc);
      else
        strays.Add(number, columns.column(end), fields[columns.field(end)]);
      return absl::OkStatus();
    };
    const auto add = [&](const std::vector<Arc>& arcs, const TextChunk&) {
      num_arcs += static_cast<int64_t>(arcs.size());
      return target_.AddArcs(arcs);
    };
    QH_RETURN_IF_ERROR(ImportArcLines(options_.from, target_, pool_, take, add));
    return CheckStrays(strays, num_arcs);
  }

  // Arcs that name no node.
  struct Strays {
    std::mutex mutex;  // guards the rest
    int64_t count = 0;
    int64_t line = 0;  // of the first
    size_t column = 0;
    std::string name;

    void Add(int64_t at_line, size_t at_column, absl::string_view which) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (count++ > 0 && at_line >= line) return;
      line = at_line;
      column = at_column;
      name = std::string(which);
    }
  };

  // A few are found in many exports; if they are most, names are not written alike.
  absl::Status CheckStrays(const Strays& strays, int64_t num_arcs) {
    if (strays.count == 0) return absl::OkStatus();
    const std::string what = absl::StrCat(
        Counted(strays.count, "arc"), " of ", strays.count + num_arcs,
        strays.count == 1 ? " names" : " name", " a node that ", tables_.front().path(),
        " has not, ", strays.count > 1 ? "first " : "", "\"", absl::CHexEscape(strays.name),
        "\" in line ", strays.line + 1, " column ", strays.column);
    if (strays.count > num_arcs)
      return absl::InvalidArgumentError(
          absl::StrCat(options_.from, ": ", what,
                       ": are its ends, and the names of nodes, in "
                       "those columns, and written alike? The first node is \"",
                       absl::CHexEscape(names_->NameOf(0)), "\""));
    target_.AddNote(absl::StrCat(what, ": left aside"));
    return absl::OkStatus();
  }

  // Those of --features, or of all tables side by side.
  absl::Status AddFeatures() {
    int64_t width = 0;
    for (const NodeTable& table : tables_) width += table.num_features();
    if (!options_.features.empty()) {
      if (width > 0) target_.AddNote("features are those of --features, not of --nodes");
      QH_ASSIGN_OR_RETURN(ArraySource features, ArraySource::OpenNpy(options_.features));
      return ImportFeatures(std::move(features), target_);
    }
    if (width > 0) {
      QH_ASSIGN_OR_RETURN(features_, target_.AddFeatures(width));
    } else {
      target_.AddNote("no columns of features: positional encodings will stand for features");
    }
    return absl::OkStatus();
  }

  absl::Status AddLabels() {
    if (!options_.labels.empty()) {
      if (labels_from_ != nullptr) target_.AddNote("labels are those of --labels, not of --nodes");
      labels_from_ = nullptr;
      QH_ASSIGN_OR_RETURN(ArraySource labels, ArraySource::OpenNpy(options_.labels));
      return ImportLabels(std::move(labels), target_);
    }
    if (labels_from_ == nullptr) {
      target_.AddNote(
          "no column of labels: name it, --label NAME; without, the store cannot be trained on");
      return absl::OkStatus();
    }
    classes_.emplace(labels_from_->LabelPlace());
    QH_RETURN_IF_ERROR(ReadClasses());
    QH_RETURN_IF_ERROR(classes_->Number());
    target_.SetClassNames(classes_->Names());
    QH_ASSIGN_OR_RETURN(labels_, target_.AddLabels());
    std::fill(labels_.begin(), labels_.end(), kUnlabelled);
    return absl::OkStatus();
  }

  absl::Status ReadClasses() {
    const auto read = [&](const TextChunk& chunk) -> absl::Status {
      absl::flat_hash_set<absl::string_view> texts;  // of the chunk, which they view
      QH_RETURN_IF_ERROR(labels_from_->ForEachRow(chunk, [&](const Fields& fields, int64_t) {
        texts.insert(labels_from_->Label(fields));
        return absl::OkStatus();
      }));
      return classes_->Add(texts);
    };
    return labels_from_->ForEachChunk(target_, pool_, read);
  }

  absl::Status ReadRows() {
    if (splits_from_ != nullptr) split_.resize(AsSize(names_->num_nodes()));
    int64_t first_feature = 0;
    for (const NodeTable& table : tables_) {
      QH_RETURN_IF_ERROR(ReadRowsOf(table, first_feature));
      first_feature += table.num_features();
    }
    return absl::OkStatus();
  }

  absl::Status ReadRowsOf(const NodeTable& table, int64_t first_feature) {
    std::vector<uint8_t> seen(AsSize(names_->num_nodes()));
    const auto row = [&](const Fields& fields, int64_t line) -> absl::Status {
      QH_ASSIGN_OR_RETURN(const int64_t node, TakeNode(table, fields, line, seen));
      if (&table == labels_from_) labels_[AsSize(node)] = classes_->ClassOf(table.Label(fields));
      if (&table == splits_from_) {
        QH_ASSIGN_OR_RETURN(const SplitPart part, table.Part(fields, line));
        split_[AsSize(node)] = static_cast<uint8_t>(part);
      }
      if (features_.empty()) return absl::OkStatus();
      return table.TakeFeatures(fields, line, features_.row(node) + first_feature);
    };
    QH_RETURN_IF_ERROR(table.ForEachChunk(
        target_, pool_, [&](const TextChunk& chunk) { return table.ForEachRow(chunk, row); }));
    const auto missing = std::find(seen.begin(), seen.end(), 0);
    if (features_.empty() || table.num_features() == 0 || missing == seen.end())
      return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(table.path(), " has features, but no line of node \"",
                     absl::CHexEscape(names_->NameOf(missing - seen.begin())), "\", which ",
                     tables_.front().path(), " has: features of all nodes are needed"));
  }

  // The node that a row is of. No table has two of one.
  absl::StatusOr<int64_t> TakeNode(const NodeTable& table, const Fields& fields, int64_t line,
                                   std::vector<uint8_t>& seen) const {
    const absl::string_view name = table.Name(fields);
    const int64_t node = names_->NodeOf(name);
    if (node == NodeNames::kNone)
      return LineError(table.path(), line, name,
                       absl::StrCat("there is no such node in ", tables_.front().path()));
    if (std::atomic_ref<uint8_t>(seen[AsSize(node)]).exchange(1) != 0)
      return LineError(table.path(), line, name,
                       "another line is of that node, too: every line is one node");
    return node;
  }

  const ImportOptions& options_;
  ImportTarget& target_;
  ThreadPool& pool_;
  std::vector<NodeTable> tables_;
  const NodeTable* labels_from_ = nullptr;
  const NodeTable* splits_from_ = nullptr;
  std::unique_ptr<const NodeNames> names_;
  TensorView<float> features_;  // [N, F]; empty: not of the tables
  std::optional<ClassTexts> classes_;
  absl::Span<int32_t> labels_;  // [N]
  std::vector<uint8_t> split_;  // [N]
};

absl::Status ReadTables(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
  if (options.nodes.empty())
    return absl::InvalidArgumentError("--format tables needs the table of nodes: give --nodes");
  return TablesImporter(options, target, pool).Read();
}

// By the beginnings of all files.
absl::StatusOr<absl::optional<PrepShape>> MeasureTables(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const std::vector<NodeTable> tables, OpenTables(options));
  if (tables.empty()) return absl::nullopt;
  QH_ASSIGN_OR_RETURN(const TextChunk head, ReadHead(options.from));
  if (head.num_lines == 0) return absl::nullopt;
  PrepShape shape;
  shape.nodes = tables.front().num_rows_estimated();
  shape.arcs = std::llround(static_cast<double>(head.num_lines) / head.share_read);
  shape.estimated = head.share_read < 1;
  shape.name_bytes = NodeNames::Bytes(tables.front().name_bytes_estimated(), shape.nodes);
  for (const NodeTable& table : tables) shape.features += table.num_features();
  if (!options.features.empty()) {
    QH_ASSIGN_OR_RETURN(const ArraySource features, ArraySource::OpenNpy(options.features));
    shape.features = FeatureColumns(features);
  }
  return shape;
}

}  // namespace

extern constinit const ImportFormat kTablesFormat = {
    .name = "tables",
    .recognised_by = "an edge list of names, and --nodes",
    .recognises = [](const std::string&) { return false; },  // --nodes tells
    .read = ReadTables,
    .takes_companions = true,
    .takes_tables = true,
    .measure = MeasureTables,
};

}  // namespace quadhop
