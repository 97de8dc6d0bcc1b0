// Two tables: an edge list, and one of nodes, `--nodes`, whose names the edges use. Such are
// exports from databases; LINQS's cora.cites and cora.content; DGL's CSVDataset.
//
// Nodes are numbered as they stand in the first table of nodes; original_names.txt keeps their
// names. Further tables tell more of the same nodes. Columns: node_columns.h, edge_columns.h. Arcs
// that name a node missing in the table are left aside and counted, up to a tenth of all. Missing
// features are set to the mean of their column.
#include <absl/strings/match.h>
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

#include "core/base/casts.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/tables/categories.h"
#include "partition/import/tables/class_texts.h"
#include "partition/import/tables/fill_with_means.h"
#include "partition/import/tables/import_named_arcs.h"
#include "partition/import/tables/node_names.h"
#include "partition/import/tables/node_table.h"
#include "partition/import/text/input_text.h"
#include "partition/import/text/text_encoding.h"

namespace quadhop {
namespace {

// Further tables have their names in the column that is called as in the first table, if there is
// one.
absl::StatusOr<std::vector<NodeTable>> OpenTables(const ImportOptions& options) {
  ColumnsWanted wanted = {options.id, options.label, options.left_out, options.one_hot};
  std::vector<NodeTable> tables;
  for (const std::string& path : options.nodes) {
    QH_ASSIGN_OR_RETURN(NodeTable table, NodeTable::Open(path, wanted));
    if (tables.empty() && wanted.id.empty()) wanted.id = std::string(table.NameOfNames());
    tables.push_back(std::move(table));
  }
  return tables;
}

// Checks that the column that a flag names is in one of the tables.
absl::Status CheckColumn(absl::string_view flag, const std::string& column,
                         absl::Span<const NodeTable> tables) {
  if (column.empty() || std::any_of(tables.begin(), tables.end(),
                                    [&](const NodeTable& table) { return table.Has(column); }))
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", column, " is no column of --nodes: ",
                   absl::StrJoin(tables, ", ", [](std::string* out, const NodeTable& table) {
                     absl::StrAppend(out, table.ColumnNames());
                   })));
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
                                                     ": leave out one of them"));
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
    QH_RETURN_IF_ERROR(FindCategories());
    QH_RETURN_IF_ERROR(ReadNames());
    QH_RETURN_IF_ERROR(
        ImportNamedArcs(options_.from, options_.ends, tables_.front(), *names_, target_, pool_));
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
  struct OneHot {
    size_t column;
    std::unique_ptr<Categories> categories;
  };

  absl::Status FindTables() {
    QH_ASSIGN_OR_RETURN(tables_, OpenTables(options_));
    QH_RETURN_IF_ERROR(CheckColumn("--id", options_.id, tables_));
    QH_RETURN_IF_ERROR(CheckColumn("--label", options_.label, tables_));
    for (const std::string& column : options_.left_out)
      QH_RETURN_IF_ERROR(CheckColumn("--leave-out", column, tables_));
    for (const std::string& column : options_.one_hot)
      QH_RETURN_IF_ERROR(CheckColumn("--one-hot", column, tables_));
    QH_ASSIGN_OR_RETURN(labels_from_, TheOne(tables_, &NodeTable::has_labels, "labels"));
    QH_ASSIGN_OR_RETURN(splits_from_, TheOne(tables_, &NodeTable::has_splits, "a split"));
    if (splits_from_ != nullptr && target_.is_given_splits())
      return absl::InvalidArgumentError(
          absl::StrCat("--splits is for nodes without a split, but ", splits_from_->path(),
                       " has one: leave out --splits, or --leave-out its column"));
    for (const NodeTable& table : tables_) target_.AddNote(table.Describe());
    return absl::OkStatus();
  }

  // Chunks come in any order.
  absl::Status ReadNames() {
    const NodeTable& table = tables_.front();
    const int64_t max_bytes = target_.memory_bytes() / 2;
    std::map<int64_t, std::string> parts;  // by their first line
    int64_t num_bytes = 0, num_nodes = 0;
    std::mutex mutex;  // guards those
    const auto read = [&](const TextChunk& chunk) -> absl::Status {
      std::string part;
      QH_RETURN_IF_ERROR(table.ForEachRow(chunk, [&](const Fields& fields, int64_t) {
        absl::StrAppend(&part, table.Name(fields), "\n");
        return absl::OkStatus();
      }));
      const std::lock_guard<std::mutex> lock(mutex);
      num_bytes += static_cast<int64_t>(part.size());
      num_nodes += chunk.num_lines;
      parts[chunk.first_line] = std::move(part);
      return NodeNames::CheckFit(num_bytes, num_nodes, max_bytes, table.path());
    };
    QH_RETURN_IF_ERROR(ForEachChunkOf(table.path(), target_, pool_, read));
    std::string text;
    text.reserve(AsSize(num_bytes));
    for (auto& [line, part] : parts) {
      text += part;
      part = {};
    }
    QH_ASSIGN_OR_RETURN(names_, NodeNames::Make(std::move(text), table.path(),
                                                table.num_header_lines(), table.NamesColumn()));
    return Annotate(target_.SetNodes(names_->num_nodes()), table.path());
  }

  // The features of --features, or of all tables side by side.
  absl::Status AddFeatures() {
    int64_t width = 0;
    for (const NodeTable& table : tables_) width += WidthOf(table);
    if (!options_.features.empty()) {
      if (width > 0) target_.AddNote("features are those of --features, not of --nodes");
      QH_ASSIGN_OR_RETURN(ArraySource features, ArraySource::OpenNpy(options_.features));
      return ImportFeatures(std::move(features), target_);
    }
    if (width > 0) {
      QH_ASSIGN_OR_RETURN(features_, target_.AddFeatures(width, FeatureNames()));
    } else {
      target_.AddNote("no columns of features: positional encodings will stand in for features");
    }
    return absl::OkStatus();
  }

  absl::Status FindCategories() {
    for (const NodeTable& table : tables_)
      for (const size_t column : table.one_hot_columns()) {
        auto categories = std::make_unique<Categories>(table.ColumnPath(column));
        QH_RETURN_IF_ERROR(AddTexts(table, column, *categories));
        QH_RETURN_IF_ERROR(NumberCategories(table.NameOfColumn(column), *categories));
        target_.AddNote(absl::StrCat("one-hot: ", table.ColumnPath(column), ", ",
                                     Counted(categories->count(), "feature"),
                                     categories->LeftOutText()));
        one_hots_[&table].push_back({column, std::move(categories)});
      }
    return absl::OkStatus();
  }

  absl::Status NumberCategories(const std::string& column, Categories& categories) {
    if (target_.like() == nullptr) return categories.Number();
    QH_ASSIGN_OR_RETURN(std::vector<std::string> texts, target_.like()->CategoriesOf(column));
    categories.NumberAs(std::move(texts));
    return absl::OkStatus();
  }

  absl::Span<const OneHot> OneHotsOf(const NodeTable& table) const {
    const auto found = one_hots_.find(&table);
    return found == one_hots_.end() ? absl::Span<const OneHot>() : found->second;
  }

  // "age", "city=Rome"; none if a table of features has no header.
  std::vector<std::string> FeatureNames() const {
    std::vector<std::string> names;
    for (const NodeTable& table : tables_) {
      if (WidthOf(table) > 0 && !table.has_header()) return {};
      for (std::string& name : table.FeatureNames()) names.push_back(std::move(name));
      for (const auto& [column, categories] : OneHotsOf(table))
        for (const std::string& text : categories->names())
          names.push_back(absl::StrCat(table.NameOfColumn(column), "=", text));
    }
    return names;
  }

  // Columns of features, of numbers and then of categories.
  int64_t WidthOf(const NodeTable& table) const {
    int64_t width = table.num_features();
    for (const OneHot& one_hot : OneHotsOf(table)) width += one_hot.categories->count();
    return width;
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
          "no column of labels: name it, --label COLUMN; else the store cannot be trained on");
      return absl::OkStatus();
    }
    QH_RETURN_IF_ERROR(CheckSingleLabels());
    classes_.emplace(LabelPlace());
    QH_RETURN_IF_ERROR(AddTexts(*labels_from_, labels_from_->labels_column(), *classes_));
    QH_RETURN_IF_ERROR(NumberClasses());
    target_.SetClassNames(classes_->names());
    if (!classes_->unlabelled().empty())
      target_.AddNote(absl::StrCat("unlabelled: \"",
                                   absl::StrJoin(classes_->unlabelled(), "\", \""), "\" of ",
                                   LabelPlace()));
    QH_ASSIGN_OR_RETURN(labels_, target_.AddLabels());
    std::fill(labels_.begin(), labels_.end(), kUnlabelled);
    return absl::OkStatus();
  }

  absl::Status NumberClasses() {
    const LikeStore* const like = target_.like();
    if (like == nullptr || like->manifest().classes() == 0) return classes_->Number();
    const auto& names = like->manifest().class_names();
    return Annotate(classes_->NumberAs(like->manifest().classes(), {names.begin(), names.end()}),
                    absl::StrCat("--like ", like->path()));
  }

  std::string LabelPlace() const { return labels_from_->ColumnPath(labels_from_->labels_column()); }

  // A list of labels would be a class of its own.
  absl::Status CheckSingleLabels() {
    const std::string& label = labels_from_->several_labels();
    if (label.empty()) return absl::OkStatus();
    const std::string place = LabelPlace(), text = Shown(label);
    if (!options_.label.empty()) {
      target_.AddNote(
          absl::StrCat(place, " has \"", text, "\": each such text is taken as a class"));
      return absl::OkStatus();
    }
    return ArrayError(place, absl::StrCat("of labels such as \"", text, "\""),
                      absl::StrCat("several labels a node are given as an array [N, L] of 0 and 1, "
                                   "--labels Y.npy; if each such text is one class, --label ",
                                   labels_from_->NameOfLabels()));
  }

  // Every text of a column, to ClassTexts or Categories.
  template <typename Texts>
  absl::Status AddTexts(const NodeTable& table, size_t column, Texts& out) {
    const auto read = [&](const TextChunk& chunk) -> absl::Status {
      absl::flat_hash_set<std::string> texts;
      QH_RETURN_IF_ERROR(table.ForEachRow(chunk, [&](const Fields& fields, int64_t) {
        if (const absl::string_view text = fields[column]; !texts.contains(text))
          texts.emplace(text);
        return absl::OkStatus();
      }));
      return out.Add(texts);
    };
    return ForEachChunkOf(table.path(), target_, pool_, read);
  }

  // From names of nodes, say, there is nothing to learn.
  absl::Status CheckClasses() const {
    constexpr int64_t kFewClasses = 10;
    if (labels_from_ == nullptr || !options_.label.empty() ||
        classes_->num_classes() <= kFewClasses)
      return absl::OkStatus();
    const auto unlabelled = std::count(labels_.begin(), labels_.end(), kUnlabelled);
    const int64_t labelled = static_cast<int64_t>(labels_.size()) - unlabelled;
    if (2 * classes_->num_classes() <= labelled) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(LabelPlace(), " has ", classes_->num_classes(), " different labels of ",
                     labelled, " nodes: name the column of classes, --label COLUMN"));
  }

  absl::Status ReadRows() {
    if (splits_from_ != nullptr) split_.resize(AsSize(names_->num_nodes()));
    int64_t first_feature = 0;
    for (const NodeTable& table : tables_) {
      QH_RETURN_IF_ERROR(ReadRowsOf(table, first_feature));
      first_feature += WidthOf(table);
    }
    if (any_missing_) {
      const LikeStore* const like = target_.like();
      target_.AddNote(FillWithMeans(features_, like == nullptr ? nullptr : &like->moments().mean));
    }
    return CheckClasses();
  }

  // What was taken for a further table's header may be its first node. But a node may be called
  // like the column of names.
  absl::Status CheckHeader(const NodeTable& table) const {
    const absl::string_view header = table.NameOfNames();
    if (absl::EqualsIgnoreCase(header, tables_.front().NameOfNames()) ||
        names_->NodeOf(header) == NodeNames::kNone)
      return absl::OkStatus();
    return table.HeaderError(absl::StrCat("\"", header, "\" is a node"));
  }

  absl::Status ReadRowsOf(const NodeTable& table, int64_t first_feature) {
    QH_RETURN_IF_ERROR(CheckHeader(table));
    // The number of lines of each node; 2 stands for more, too.
    std::vector<uint8_t> lines(AsSize(names_->num_nodes()));
    const auto row = [&](const Fields& fields, int64_t line) -> absl::Status {
      const absl::string_view name = table.Name(fields);
      const int64_t node = names_->NodeOf(name);
      if (node == NodeNames::kNone)
        return LineError(table.path(), line, name,
                         absl::StrCat("there is no such node in ", tables_.front().path()));
      const std::atomic_ref<uint8_t> seen(lines[AsSize(node)]);
      if (seen.exchange(1) != 0) {
        seen = 2;
        return absl::OkStatus();  // an error below, the same whichever line comes first
      }
      return TakeRow(table, fields, line, node, first_feature);
    };
    QH_RETURN_IF_ERROR(ForEachChunkOf(table.path(), target_, pool_, [&](const TextChunk& chunk) {
      return table.ForEachRow(chunk, row);
    }));
    return CheckLines(table, lines);
  }

  absl::Status TakeRow(const NodeTable& table, const Fields& fields, int64_t line, int64_t node,
                       int64_t first_feature) {
    if (&table == labels_from_) labels_[AsSize(node)] = classes_->ClassOf(table.Label(fields));
    if (&table == splits_from_) {
      QH_ASSIGN_OR_RETURN(const SplitPart part, table.Part(fields, line));
      split_[AsSize(node)] = static_cast<uint8_t>(part);
    }
    if (features_.empty()) return absl::OkStatus();
    float* out = features_.row(node) + first_feature;
    QH_ASSIGN_OR_RETURN(const bool is_missing, table.TakeFeatures(fields, line, out));
    if (is_missing) any_missing_ = true;
    out += table.num_features();
    for (const auto& [column, categories] : OneHotsOf(table)) {
      categories->TakeOneHot(fields[column], out);
      out += categories->count();
    }
    return absl::OkStatus();
  }

  absl::Status CheckLines(const NodeTable& table, const std::vector<uint8_t>& lines) const {
    const auto node_of = [&](auto at) {
      return absl::StrCat("node \"", Shown(names_->NameOf(at - lines.begin())), "\"");
    };
    if (const auto twice = std::find(lines.begin(), lines.end(), 2); twice != lines.end())
      return absl::InvalidArgumentError(absl::StrCat(table.path(), ": several lines are for ",
                                                     node_of(twice), "; every line is one node"));
    const auto absent = std::find(lines.begin(), lines.end(), 0);
    if (features_.empty() || WidthOf(table) == 0 || absent == lines.end()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(table.path(), " has features, but no line for ", node_of(absent), ", which ",
                     tables_.front().path(), " has: features of all nodes are needed"));
  }

  const ImportOptions& options_;
  ImportTarget& target_;
  ThreadPool& pool_;
  std::vector<NodeTable> tables_;
  const NodeTable* labels_from_ = nullptr;
  const NodeTable* splits_from_ = nullptr;
  std::unique_ptr<const NodeNames> names_;
  std::map<const NodeTable*, std::vector<OneHot>> one_hots_;  // of each table that has some
  TensorView<float> features_;                                // [N, F]; empty: not of the tables
  std::atomic<bool> any_missing_ = false;
  std::optional<ClassTexts> classes_;
  absl::Span<int32_t> labels_;  // [N]
  std::vector<uint8_t> split_;  // [N]
};

absl::Status ReadTables(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
  if (options.nodes.empty())
    return absl::InvalidArgumentError("--format tables needs the table of nodes: give --nodes");
  return TablesImporter(options, target, pool).Read();
}

// Estimates by the beginnings of all files.
absl::StatusOr<absl::optional<PrepShape>> MeasureTables(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const std::vector<NodeTable> tables, OpenTables(options));
  if (tables.empty()) return absl::nullopt;
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(options.from));
  const TextChunk& head = chunks->first();
  if (head.num_lines == 0) return absl::nullopt;
  PrepShape shape;
  shape.nodes = tables.front().num_rows_estimated();
  shape.arcs = std::llround(static_cast<double>(head.num_lines) / head.share_read);
  shape.estimated = head.share_read < 1 || tables.front().is_estimated();
  shape.name_bytes = NodeNames::Bytes(tables.front().name_bytes_estimated(), shape.nodes);
  for (const NodeTable& table : tables)
    shape.features += table.num_features() + table.categories_estimated();
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
    .takes_ends = true,
    .measure = MeasureTables,
};

}  // namespace quadhop
