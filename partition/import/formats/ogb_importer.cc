// OGB's raw csv layout of a node property graph: https://github.com/snap-stanford/ogb,
// io/read_graph_raw.py.
//
//   raw/edge.csv.gz            src,dst        raw/num-node-list.csv.gz    one number
//   raw/node-feat.csv.gz       F numbers      raw/num-edge-list.csv.gz    one number
//   raw/node-label.csv.gz      one class, or 0/1/nan a column; nan: unlabelled
//   split/NAME/{train,valid,test}.csv.gz      node ids
//
// All without headers; .csv is taken as well as .csv.gz.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/casts.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/arrays/array_source.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/ogb_splits.h"
#include "partition/import/target/node_values.h"
#include "partition/import/text/csv_table.h"
#include "partition/import/text/text_chunks.h"

namespace quadhop {
namespace {

// The one number of num-node-list or num-edge-list.
absl::StatusOr<int64_t> ReadCount(const std::string& stem, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::string path, NeedCsv(stem));
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path));
  int64_t count = -1;
  QH_ASSIGN_OR_RETURN(const int64_t lines,
                      chunks->ForEach(pool, [&](const TextChunk& chunk, int) -> absl::Status {
                        std::vector<int64_t> values(AsSize(chunk.num_lines));
                        QH_RETURN_IF_ERROR(ParseCsvChunk(path, chunk, 1, values.data()));
                        if (chunk.first_line == 0) count = values.front();
                        return absl::OkStatus();
                      }));
  if (lines != 1)
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has ", lines, " lines; 1 is needed: a store holds a single graph"));
  if (count < 0) return ArrayError(CsvPlace(path, 1, 1), absl::StrCat(count), "a count is >= 0");
  return count;
}

absl::Status ReadArcs(const std::string& raw, ImportTarget& target, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const int64_t num_edges, ReadCount(raw + "/num-edge-list", pool));
  QH_ASSIGN_OR_RETURN(const std::string path, NeedCsv(raw + "/edge"));
  QH_ASSIGN_OR_RETURN(CsvTable table, CsvTable::Open(path, num_edges, "num-edge-list"));
  static_assert(sizeof(Arc) == 2 * sizeof(int64_t));
  std::vector<std::vector<Arc>> arcs(AsSize(pool.num_threads()));  // by worker
  const int64_t num_nodes = target.num_nodes();
  return table.Read<int64_t>(
      2, target, pool,
      [&](const TextChunk& chunk, int worker) {
        arcs[AsSize(worker)].resize(AsSize(chunk.num_lines));
        return reinterpret_cast<int64_t*>(arcs[AsSize(worker)].data());
      },
      [&](const TextChunk& chunk, const int64_t* values) -> absl::Status {
        for (int64_t i = 0; i < 2 * chunk.num_lines; ++i)
          if (values[i] < 0 || values[i] >= num_nodes)
            return ArrayError(CsvPlace(path, chunk.first_line + i / 2 + 1, i % 2 + 1),
                              absl::StrCat("node ", values[i]),
                              absl::StrCat("node ids are in [0, ", num_nodes, ")"));
        return target.AddArcs({reinterpret_cast<const Arc*>(values), AsSize(chunk.num_lines)});
      });
}

absl::Status ReadFeatures(const std::string& raw, ImportTarget& target, ThreadPool& pool) {
  const std::string path = FindCsv(raw + "/node-feat");
  if (path.empty()) {
    target.AddNote("no node-feat file: positional encodings will stand in for features");
    return absl::OkStatus();
  }
  QH_ASSIGN_OR_RETURN(CsvTable table, CsvTable::Open(path, target.num_nodes(), "num-node-list"));
  const int64_t width = table.num_columns();
  QH_ASSIGN_OR_RETURN(const TensorView<float> features, target.AddFeatures(width));
  return table.Read<float>(
      width, target, pool,
      [&](const TextChunk& chunk, int) { return features.row(chunk.first_line); },
      [&](const TextChunk& chunk, const float* values) -> absl::Status {
        for (int64_t i = 0; i < chunk.num_lines * width; ++i)
          if (!std::isfinite(values[i]))
            return WrongFeature(CsvPlace(path, chunk.first_line + i / width + 1, i % width + 1),
                                absl::StrCat(values[i]));
        return absl::OkStatus();
      });
}

absl::Status ReadClasses(CsvTable& table, ImportTarget& target, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const absl::Span<int32_t> labels, target.AddLabels());
  std::vector<std::vector<double>> parsed(AsSize(pool.num_threads()));  // by worker
  return table.Read<double>(
      1, target, pool,
      [&](const TextChunk& chunk, int worker) {
        parsed[AsSize(worker)].resize(AsSize(chunk.num_lines));
        return parsed[AsSize(worker)].data();
      },
      [&](const TextChunk& chunk, const double* values) -> absl::Status {
        for (int64_t i = 0; i < chunk.num_lines; ++i) {
          const int64_t row = chunk.first_line + i;
          if (!IsClass(values[i])) return WrongClass(CsvPlace(table.path(), row + 1, 1), values[i]);
          labels[AsSize(row)] = ClassOf(values[i]);
        }
        return absl::OkStatus();
      });
}

absl::Status ReadMultiLabels(CsvTable& table, ImportTarget& target, ThreadPool& pool) {
  const int64_t width = table.num_columns();
  QH_ASSIGN_OR_RETURN(const TensorView<uint8_t> labels, target.AddMultiLabels(width));
  std::vector<std::vector<float>> parsed(AsSize(pool.num_threads()));  // by worker
  return table.Read<float>(
      width, target, pool,
      [&](const TextChunk& chunk, int worker) {
        parsed[AsSize(worker)].resize(AsSize(chunk.num_lines * width));
        return parsed[AsSize(worker)].data();
      },
      [&](const TextChunk& chunk, const float* values) -> absl::Status {
        uint8_t* out = labels.row(chunk.first_line);
        for (int64_t i = 0; i < chunk.num_lines * width; ++i) {
          if (!IsMultiLabel(values[i]))
            return WrongMultiLabel(
                CsvPlace(table.path(), chunk.first_line + i / width + 1, i % width + 1), values[i]);
          out[i] = MultiLabelOf(values[i]);
        }
        return absl::OkStatus();
      });
}

absl::Status ReadLabels(const std::string& raw, ImportTarget& target, ThreadPool& pool) {
  const std::string path = FindCsv(raw + "/node-label");
  if (path.empty()) {
    target.AddNote("no node-label file: the store has no labels and cannot be trained on");
    return absl::OkStatus();
  }
  QH_ASSIGN_OR_RETURN(CsvTable table, CsvTable::Open(path, target.num_nodes(), "num-node-list"));
  return table.num_columns() == 1 ? ReadClasses(table, target, pool)
                                  : ReadMultiLabels(table, target, pool);
}

void NoteUnusedFiles(const std::string& raw, ImportTarget& target) {
  static constexpr const char* kUsed[] = {"edge", "num-edge-list", "num-node-list", "node-feat",
                                          "node-label"};
  std::vector<std::string> unused;
  for (const std::string& name : ListFolder(raw).value_or(std::vector<std::string>())) {
    const std::string stem = name.substr(0, name.find(".csv"));
    // If a file is there both plain and zipped, one is read.
    if (std::find(std::begin(kUsed), std::end(kUsed), stem) == std::end(kUsed) ||
        FindCsv(absl::StrCat(raw, "/", stem)) != absl::StrCat(raw, "/", name))
      unused.push_back(name);
  }
  if (!unused.empty())
    target.AddNote(absl::StrCat("not used: ", absl::StrJoin(unused, ", "), " of ", raw));
}

absl::Status ReadOgbFolder(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
  const std::string raw = options.from + "/raw";
  QH_ASSIGN_OR_RETURN(const int64_t num_nodes, ReadCount(raw + "/num-node-list", pool));
  QH_RETURN_IF_ERROR(target.SetNodes(num_nodes));
  QH_RETURN_IF_ERROR(ReadArcs(raw, target, pool));
  QH_RETURN_IF_ERROR(ReadFeatures(raw, target, pool));
  QH_RETURN_IF_ERROR(ReadLabels(raw, target, pool));
  QH_RETURN_IF_ERROR(ReadOgbSplits(options.from + "/split", target, pool));
  NoteUnusedFiles(raw, target);
  return absl::OkStatus();
}

bool IsOgbFolder(const std::string& from) { return !FindCsv(from + "/raw/edge").empty(); }

absl::StatusOr<absl::optional<PrepShape>> MeasureOgbFolder(const ImportOptions& options) {
  const std::string& from = options.from;
  ThreadPool pool(1);
  PrepShape shape;
  QH_ASSIGN_OR_RETURN(shape.nodes, ReadCount(from + "/raw/num-node-list", pool));
  QH_ASSIGN_OR_RETURN(shape.arcs, ReadCount(from + "/raw/num-edge-list", pool));
  if (const std::string path = FindCsv(from + "/raw/node-feat"); !path.empty()) {
    QH_ASSIGN_OR_RETURN(const CsvTable table, CsvTable::Open(path, shape.nodes, "num-node-list"));
    shape.features = table.num_columns();
  }
  return shape;
}

}  // namespace

extern constinit const ImportFormat kOgbFormat = {
    .name = "ogb",
    .recognised_by = "a folder with raw/edge.csv.gz or raw/edge.csv",
    .recognises = IsOgbFolder,
    .read = ReadOgbFolder,
    .has_splits = HasOgbSplits,
    .measure = MeasureOgbFolder,
};

}  // namespace quadhop
