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
#include <filesystem>
#include <mutex>
#include <system_error>
#include <vector>

#include "core/file.h"
#include "core/status.h"
#include "partition/csv.h"
#include "partition/importer.h"
#include "partition/text_chunks.h"

namespace quadhop {
namespace {

size_t Z(int64_t i) { return static_cast<size_t>(i); }

// `stem`.csv.gz or `stem`.csv; "" if there is neither.
std::string FindCsv(const std::string& stem) {
  for (const char* ending : {".csv.gz", ".csv"})
    if (FileExists(stem + ending)) return stem + ending;
  return "";
}

absl::StatusOr<std::string> NeedCsv(const std::string& stem) {
  std::string path = FindCsv(stem);
  if (path.empty())
    return absl::NotFoundError(absl::StrCat("no ", stem, ".csv.gz (nor ", stem,
                                            ".csv), which OGB's raw layout must have"));
  return path;
}

absl::Status ErrorAt(const std::string& place, absl::string_view got, absl::string_view allowed) {
  return absl::InvalidArgumentError(absl::StrCat(place, " is ", got, "; ", allowed));
}

// The one number of num-node-list or num-edge-list.
absl::StatusOr<int64_t> ReadCount(const std::string& stem, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::string path, NeedCsv(stem));
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path));
  int64_t count = -1;
  QH_ASSIGN_OR_RETURN(const int64_t lines,
                      chunks->ForEach(pool, [&](const TextChunk& chunk, int) -> absl::Status {
                        std::vector<int64_t> values(Z(chunk.num_lines));
                        QH_RETURN_IF_ERROR(ParseCsvChunk(path, chunk, 1, values.data()));
                        if (chunk.first_line == 0) count = values.front();
                        return absl::OkStatus();
                      }));
  if (lines != 1)
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has ", lines, " lines; 1 is needed: a store holds a single graph"));
  if (count < 0) return ErrorAt(CsvPlace(path, 1, 1), absl::StrCat(count), "a count is >= 0");
  return count;
}

absl::Status TooFewOrManyRows(const std::string& path, int64_t got, int64_t expected,
                              absl::string_view counted_by) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, " has ", got, " rows, but ", counted_by, " says ", expected));
}

// A file that holds one row of num_columns numbers for each of num_rows nodes or arcs, parsed on
// all threads.
class Table {
 public:
  static absl::StatusOr<Table> Open(const std::string& path, int64_t num_rows,
                                    std::string counted_by) {
    Table table;
    table.path_ = path;
    table.num_rows_ = num_rows;
    table.counted_by_ = std::move(counted_by);
    QH_ASSIGN_OR_RETURN(table.chunks_, TextChunks::Open(path));
    return table;
  }

  const std::string& path() const { return path_; }
  int64_t num_columns() const { return CountColumns(chunks_->first_line()); }

  // Calls place(chunk) for where its rows belong  // [chunk.num_lines, num_columns], parses them
  // there, and calls check(chunk, values). Both are called from all threads.
  template <typename T, typename Place, typename Check>
  absl::Status Read(int64_t num_columns, ImportTarget& target, ThreadPool& pool, const Place& place,
                    const Check& check) {
    auto body = [&](const TextChunk& chunk, int worker) -> absl::Status {
      if (chunk.first_line + chunk.num_lines > num_rows_) {
        if (chunk.first_line > num_rows_) return absl::OkStatus();  // an earlier chunk says so
        return absl::InvalidArgumentError(absl::StrCat(path_, " line ", num_rows_ + 1,
                                                       " is one row too many: ", counted_by_,
                                                       " says ", num_rows_));
      }
      T* values = place(chunk, worker);
      QH_RETURN_IF_ERROR(ParseCsvChunk(path_, chunk, num_columns, values));
      return check(chunk, values);
    };
    QH_ASSIGN_OR_RETURN(const int64_t rows, chunks_->ForEach(pool, body));
    target.CountText(chunks_->text_bytes());
    if (rows != num_rows_) return TooFewOrManyRows(path_, rows, num_rows_, counted_by_);
    return absl::OkStatus();
  }

 private:
  Table() = default;
  std::string path_;
  int64_t num_rows_ = 0;
  std::string counted_by_;
  std::unique_ptr<TextChunks> chunks_;
};

class OgbImporter : public Importer {
 public:
  absl::Status Read(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) override {
    const std::string raw = options.from + "/raw";
    QH_ASSIGN_OR_RETURN(const int64_t num_nodes, ReadCount(raw + "/num-node-list", pool));
    QH_RETURN_IF_ERROR(target.SetNodes(num_nodes));
    QH_RETURN_IF_ERROR(ReadArcs(raw, target, pool));
    QH_RETURN_IF_ERROR(ReadFeatures(raw, target, pool));
    QH_RETURN_IF_ERROR(ReadLabels(raw, target, pool));
    QH_RETURN_IF_ERROR(ReadSplits(options.from + "/split", target, pool));
    NoteUnusedFiles(raw, target);
    return absl::OkStatus();
  }

 private:
  static absl::Status ReadArcs(const std::string& raw, ImportTarget& target, ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(const int64_t num_edges, ReadCount(raw + "/num-edge-list", pool));
    QH_ASSIGN_OR_RETURN(const std::string path, NeedCsv(raw + "/edge"));
    QH_ASSIGN_OR_RETURN(Table table, Table::Open(path, num_edges, "num-edge-list"));
    static_assert(sizeof(Arc) == 2 * sizeof(int64_t));
    std::vector<std::vector<Arc>> arcs(Z(pool.num_threads()));  // by worker
    const int64_t num_nodes = target.num_nodes();
    return table.Read<int64_t>(
        2, target, pool,
        [&](const TextChunk& chunk, int worker) {
          arcs[Z(worker)].resize(Z(chunk.num_lines));
          return reinterpret_cast<int64_t*>(arcs[Z(worker)].data());
        },
        [&](const TextChunk& chunk, const int64_t* values) -> absl::Status {
          for (int64_t i = 0; i < 2 * chunk.num_lines; ++i)
            if (values[i] < 0 || values[i] >= num_nodes)
              return ErrorAt(CsvPlace(path, chunk.first_line + i / 2 + 1, i % 2 + 1),
                             absl::StrCat("node ", values[i]),
                             absl::StrCat("node ids are in [0, ", num_nodes, ")"));
          target.graph().Add({reinterpret_cast<const Arc*>(values), Z(chunk.num_lines)});
          return absl::OkStatus();
        });
  }

  static absl::Status ReadFeatures(const std::string& raw, ImportTarget& target, ThreadPool& pool) {
    const std::string path = FindCsv(raw + "/node-feat");
    if (path.empty()) {
      target.AddNote("no node-feat file: positional encodings will stand for features");
      return absl::OkStatus();
    }
    QH_ASSIGN_OR_RETURN(Table table, Table::Open(path, target.num_nodes(), "num-node-list"));
    const int64_t width = table.num_columns();
    QH_ASSIGN_OR_RETURN(const TensorView<float> features, target.AddFeatures(width));
    return table.Read<float>(
        width, target, pool,
        [&](const TextChunk& chunk, int) { return features.row(chunk.first_line); },
        [&](const TextChunk& chunk, const float* values) -> absl::Status {
          for (int64_t i = 0; i < chunk.num_lines * width; ++i)
            if (!std::isfinite(values[i]))
              return ErrorAt(CsvPlace(path, chunk.first_line + i / width + 1, i % width + 1),
                             absl::StrCat(values[i]),
                             "features must be finite numbers of 32 bits: fill or scale them");
          return absl::OkStatus();
        });
  }

  static absl::Status ReadLabels(const std::string& raw, ImportTarget& target, ThreadPool& pool) {
    const std::string path = FindCsv(raw + "/node-label");
    if (path.empty()) {
      target.AddNote("no node-label file: the store has no labels and cannot be trained on");
      return absl::OkStatus();
    }
    QH_ASSIGN_OR_RETURN(Table table, Table::Open(path, target.num_nodes(), "num-node-list"));
    return table.num_columns() == 1 ? ReadClasses(table, target, pool)
                                    : ReadMultiLabels(table, target, pool);
  }

  static absl::Status ReadClasses(Table& table, ImportTarget& target, ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(const absl::Span<int32_t> labels, target.AddLabels());
    std::vector<std::vector<double>> parsed(Z(pool.num_threads()));  // by worker
    return table.Read<double>(
        1, target, pool,
        [&](const TextChunk& chunk, int worker) {
          parsed[Z(worker)].resize(Z(chunk.num_lines));
          return parsed[Z(worker)].data();
        },
        [&](const TextChunk& chunk, const double* values) -> absl::Status {
          for (int64_t i = 0; i < chunk.num_lines; ++i) {
            const double value = values[i];
            const int64_t row = chunk.first_line + i;
            if (!std::isnan(value) &&
                (value < 0 || value >= INT32_MAX || value != std::floor(value)))
              return ErrorAt(CsvPlace(table.path(), row + 1, 1), absl::StrCat(value),
                             absl::StrCat("a class is a whole number in [0, ", INT32_MAX,
                                          "), or nan where a node is unlabelled"));
            labels[Z(row)] = std::isnan(value) ? kUnlabelled : static_cast<int32_t>(value);
          }
          return absl::OkStatus();
        });
  }

  static absl::Status ReadMultiLabels(Table& table, ImportTarget& target, ThreadPool& pool) {
    const int64_t width = table.num_columns();
    QH_ASSIGN_OR_RETURN(const TensorView<uint8_t> labels, target.AddMultiLabels(width));
    std::vector<std::vector<float>> parsed(Z(pool.num_threads()));  // by worker
    return table.Read<float>(
        width, target, pool,
        [&](const TextChunk& chunk, int worker) {
          parsed[Z(worker)].resize(Z(chunk.num_lines * width));
          return parsed[Z(worker)].data();
        },
        [&](const TextChunk& chunk, const float* values) -> absl::Status {
          uint8_t* out = labels.row(chunk.first_line);
          for (int64_t i = 0; i < chunk.num_lines * width; ++i) {
            const float value = values[i];
            if (!std::isnan(value) && value != 0.0f && value != 1.0f)
              return ErrorAt(
                  CsvPlace(table.path(), chunk.first_line + i / width + 1, i % width + 1),
                  absl::StrCat(value),
                  "a file of several label columns is a multi-label target, where each is 0, 1 "
                  "or nan");
            out[i] = std::isnan(value) ? kUnlabelledMulti : static_cast<uint8_t>(value);
          }
          return absl::OkStatus();
        });
  }

  static absl::Status ReadSplits(const std::string& folder, ImportTarget& target,
                                 ThreadPool& pool) {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error))
      if (it->is_directory()) names.push_back(it->path().filename().string());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names)
      QH_RETURN_IF_ERROR(ReadSplit(absl::StrCat(folder, "/", name), name, target, pool));
    if (names.empty())
      target.AddNote(absl::StrCat("no folder in ", folder,
                                  ": the store has no split and cannot be trained on"));
    return absl::OkStatus();
  }

  static absl::Status ReadSplit(const std::string& folder, const std::string& name,
                                ImportTarget& target, ThreadPool& pool) {
    static constexpr const char* kParts[] = {"none", "train", "valid", "test"};
    std::vector<uint8_t> parts(Z(target.num_nodes()), 0);
    int64_t repeated = 0;
    for (uint8_t part = 1; part <= 3; ++part) {
      QH_ASSIGN_OR_RETURN(const std::string path, NeedCsv(absl::StrCat(folder, "/", kParts[part])));
      QH_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, ReadIds(path, target, pool));
      for (size_t line = 0; line < ids.size(); ++line) {
        uint8_t& old = parts[Z(ids[line])];
        if (old != 0 && old != part)
          return ErrorAt(CsvPlace(path, static_cast<int64_t>(line) + 1, 1),
                         absl::StrCat("node ", ids[line], ", in both ", kParts[old], " and ",
                                      kParts[part], " of split ", name),
                         "the parts of a split must not overlap");
        repeated += old == part;
        old = part;
      }
    }
    if (repeated > 0)
      target.AddNote(absl::StrCat("split ", name, " names ", repeated, " nodes more than once"));
    target.AddSplit(name, std::move(parts));
    return absl::OkStatus();
  }

  // The node ids of one file, in its order.
  static absl::StatusOr<std::vector<int64_t>> ReadIds(const std::string& path, ImportTarget& target,
                                                      ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path));
    const int64_t num_nodes = target.num_nodes();
    std::mutex mutex;
    std::vector<int64_t> ids;
    auto body = [&](const TextChunk& chunk, int) -> absl::Status {
      std::vector<int64_t> values(Z(chunk.num_lines));
      QH_RETURN_IF_ERROR(ParseCsvChunk(path, chunk, 1, values.data()));
      for (size_t i = 0; i < values.size(); ++i)
        if (values[i] < 0 || values[i] >= num_nodes)
          return ErrorAt(CsvPlace(path, chunk.first_line + static_cast<int64_t>(i) + 1, 1),
                         absl::StrCat("node ", values[i]),
                         absl::StrCat("node ids are in [0, ", num_nodes, ")"));
      std::lock_guard<std::mutex> lock(mutex);
      ids.resize(std::max(ids.size(), Z(chunk.first_line + chunk.num_lines)));
      std::copy(values.begin(), values.end(), ids.begin() + chunk.first_line);
      return absl::OkStatus();
    };
    QH_RETURN_IF_ERROR(chunks->ForEach(pool, body).status());
    target.CountText(chunks->text_bytes());
    return ids;
  }

  static void NoteUnusedFiles(const std::string& raw, ImportTarget& target) {
    static constexpr const char* kUsed[] = {"edge", "num-edge-list", "num-node-list", "node-feat",
                                            "node-label"};
    std::vector<std::string> unused;
    std::error_code error;
    for (std::filesystem::directory_iterator it(raw, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      const std::string stem = name.substr(0, name.find(".csv"));
      if (std::find(std::begin(kUsed), std::end(kUsed), stem) == std::end(kUsed))
        unused.push_back(name);
    }
    std::sort(unused.begin(), unused.end());
    if (!unused.empty())
      target.AddNote(absl::StrCat("not used: ", absl::StrJoin(unused, ", "), " of ", raw));
  }
};

}  // namespace

bool IsOgbFolder(const std::string& from) { return !FindCsv(from + "/raw/edge").empty(); }

std::unique_ptr<Importer> MakeOgbImporter() { return std::make_unique<OgbImporter>(); }

}  // namespace quadhop
