#include "partition/synth/synth.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "core/base/casts.h"
#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/files/file.h"
#include "core/memory/host_memory.h"
#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "partition/import/target/import_target.h"
#include "partition/steps/provenance.h"
#include "partition/synth/gzip_writer.h"
#include "partition/synth/synth_model.h"

namespace quadhop {
namespace {

constexpr char kSplitName[] = "random";
constexpr int64_t kNodesABlock = 4096;

// [N] of SplitPart: 8 % train and 2 % validate, each subset equally likely.
std::vector<uint8_t> SplitOf(const SynthOptions& options) {
  const double total = static_cast<double>(options.nodes);
  const int64_t num_train = std::llround(0.08 * total), num_valid = std::llround(0.02 * total);
  std::vector<uint8_t> parts(AsSize(options.nodes), static_cast<uint8_t>(SplitPart::kTest));
  const auto train_end = parts.begin() + num_train;
  std::fill(parts.begin(), train_end, static_cast<uint8_t>(SplitPart::kTrain));
  std::fill(train_end, train_end + num_valid, static_cast<uint8_t>(SplitPart::kValid));
  RandomStream random(options.seed, RandomPurpose::kSplit, 0, 0);
  for (size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[random.Below(i)]);
  return parts;
}

absl::StatusOr<ImportReport> ToStore(const SynthOptions& options, const SynthModel& model,
                                     ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<StoreWriter> writer,
                      StoreWriter::BeginAnew(options.out));
  ImportOptions import;
  import.store = options.out;
  QH_ASSIGN_OR_RETURN(import.memory_bytes, MemoryBudget(options.memory_bytes));
  ImportTarget target(*writer, import, pool.num_threads());
  QH_RETURN_IF_ERROR(target.SetNodes(options.nodes));
  model.DrawEdges(target.graph(), pool);
  if (options.features > 0) {
    QH_ASSIGN_OR_RETURN(const TensorView<float> features, target.AddFeatures(options.features));
    pool.ParallelFor(NumBlocks(options.nodes, kNodesABlock), [&](int64_t block, int) {
      const auto [begin, end] = Block(block, options.nodes, kNodesABlock);
      for (int64_t v = begin; v < end; ++v) model.FillFeatures(v, features.row(v));
    });
  }
  QH_ASSIGN_OR_RETURN(const absl::Span<int32_t> labels, target.AddLabels());
  std::copy(model.classes().begin(), model.classes().end(), labels.begin());
  target.AddSplit(kSplitName, SplitOf(options));
  QH_ASSIGN_OR_RETURN(ImportReport report, target.Finish(pool));
  report.format = "synth";
  const Provenance step =
      MakeProvenance(PrepStep::kImport,
                     absl::StrCat("format=synth nodes=", options.nodes, " degree=", options.degree,
                                  " features=", options.features, " classes=", options.classes,
                                  " seed=", options.seed),
                     report.Describe());
  QH_RETURN_IF_ERROR(writer->Commit(step, pool));
  return report;
}

// The folder may hold nothing but an older graph, which is replaced.
absl::Status CheckHoldsNothingElse(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolderIfPresent(folder));
  for (const std::string& name : names)
    if (name != "raw" && name != "split")
      return absl::FailedPreconditionError(absl::StrCat(
          folder, ": holds ", name,
          ": name a folder that is absent or empty, or holds an older graph of synth"));
  return absl::OkStatus();
}

// The graph of the store, and the text of OGB's files from it.
class RawFolder {
 public:
  RawFolder(const SynthOptions& options, const SynthModel& model, int64_t memory_bytes,
            ThreadPool& pool)
      : options_(options),
        model_(model),
        pool_(pool),
        graph_({options.nodes, /*directed=*/false, /*reverse=*/false, memory_bytes / 2, options.out,
                pool.num_threads()}),
        parts_(SplitOf(options)) {}

  absl::StatusOr<ImportReport> Write() {
    QH_RETURN_IF_ERROR(CheckHoldsNothingElse(options_.out));
    QH_RETURN_IF_ERROR(MakeDirectories(options_.out));
    model_.DrawEdges(graph_, pool_);
    QH_ASSIGN_OR_RETURN(counts_, graph_.Build(pool_));
    indices_.resize(AsSize(counts_.arcs));
    QH_RETURN_IF_ERROR(graph_.CopyIndices(absl::MakeSpan(indices_)));
    const std::string raw = options_.out + "/raw/";
    const std::string split = absl::StrCat(options_.out, "/split/", kSplitName, "/");
    QH_RETURN_IF_ERROR(MakeDirectories(raw));
    QH_RETURN_IF_ERROR(MakeDirectories(split));
    QH_RETURN_IF_ERROR(WriteOne(raw + "num-node-list", absl::StrCat(options_.nodes, "\n")));
    QH_RETURN_IF_ERROR(WriteOne(raw + "num-edge-list", absl::StrCat(counts_.arcs / 2, "\n")));
    QH_RETURN_IF_ERROR(WriteNodes(raw + "edge", &RawFolder::AppendEdges));
    QH_RETURN_IF_ERROR(WriteNodes(raw + "node-label", &RawFolder::AppendLabel));
    // An older graph of the same folder may have had features.
    QH_RETURN_IF_ERROR(RemoveFileIfPresent(raw + "node-feat.csv.gz"));
    if (options_.features > 0)
      QH_RETURN_IF_ERROR(WriteNodes(raw + "node-feat", &RawFolder::AppendFeatures));
    QH_RETURN_IF_ERROR(WriteNodes(split + "train", &RawFolder::AppendIfIn<SplitPart::kTrain>));
    QH_RETURN_IF_ERROR(WriteNodes(split + "valid", &RawFolder::AppendIfIn<SplitPart::kValid>));
    QH_RETURN_IF_ERROR(WriteNodes(split + "test", &RawFolder::AppendIfIn<SplitPart::kTest>));
    return Report();
  }

 private:
  using Append = void (RawFolder::*)(int64_t node, std::string* text) const;

  absl::Status WriteOne(const std::string& stem, const std::string& text) {
    return WriteGzipFile(
        stem + ".csv.gz", 1, [&](int64_t) { return text; }, pool_);
  }

  absl::Status WriteNodes(const std::string& stem, Append append) {
    return WriteGzipFile(
        stem + ".csv.gz", NumBlocks(options_.nodes, kNodesABlock),
        [&](int64_t block) {
          std::string text;
          const auto [begin, end] = Block(block, options_.nodes, kNodesABlock);
          for (int64_t v = begin; v < end; ++v) (this->*append)(v, &text);
          return text;
        },
        pool_);
  }

  // Every edge once, at its smaller end.
  void AppendEdges(int64_t v, std::string* text) const {
    for (int64_t e = graph_.indptr()[AsSize(v)]; e < graph_.indptr()[AsSize(v) + 1]; ++e)
      if (indices_[AsSize(e)] > v) absl::StrAppend(text, v, ",", indices_[AsSize(e)], "\n");
  }

  void AppendLabel(int64_t v, std::string* text) const {
    absl::StrAppend(text, model_.classes()[AsSize(v)], "\n");
  }

  template <SplitPart part>
  void AppendIfIn(int64_t v, std::string* text) const {
    if (parts_[AsSize(v)] == static_cast<uint8_t>(part)) absl::StrAppend(text, v, "\n");
  }

  // The shortest digits that read back as the same float.
  void AppendFeatures(int64_t v, std::string* text) const {
    std::vector<float> row(AsSize(options_.features));
    model_.FillFeatures(v, row.data());
    char digits[32];
    for (size_t i = 0; i < row.size(); ++i) {
      const auto [end, code] = std::to_chars(digits, digits + sizeof(digits), row[i]);
      text->append(digits, end);
      text->push_back(i + 1 < row.size() ? ',' : '\n');
    }
  }

  ImportReport Report() const {
    ImportReport report;
    report.format = "synth";
    report.nodes = options_.nodes;
    report.arcs = counts_.arcs;
    report.features = options_.features;
    report.classes = options_.classes;
    report.splits = {kSplitName};
    report.arcs_read = counts_.arcs_added;
    report.duplicates_removed = counts_.duplicates_removed;
    report.self_loops_removed = counts_.self_loops_removed;
    report.inverses_added = counts_.inverses_added;
    const absl::Span<const int64_t> indptr = graph_.indptr();
    for (size_t v = 0; v + 1 < indptr.size(); ++v)
      report.without_out_neighbours += indptr[v] == indptr[v + 1];
    return report;
  }

  const SynthOptions& options_;
  const SynthModel& model_;
  ThreadPool& pool_;
  GraphBuilder graph_;
  GraphCounts counts_;
  std::vector<uint32_t> indices_;
  const std::vector<uint8_t> parts_;  // [N]
};

}  // namespace

absl::StatusOr<ImportReport> Synth(const SynthOptions& options, ThreadPool& pool) {
  const Stopwatch watch;
  if (options.out.empty())
    return absl::InvalidArgumentError("--out is empty; name the folder to write");
  QH_ASSIGN_OR_RETURN(const SynthModel model, SynthModel::Make(options));
  QH_ASSIGN_OR_RETURN(const int64_t memory_bytes, MemoryBudget(options.memory_bytes));
  absl::StatusOr<ImportReport> report = options.to_store
                                            ? ToStore(options, model, pool)
                                            : RawFolder(options, model, memory_bytes, pool).Write();
  if (report.ok()) report->seconds = watch.Seconds();
  return report;
}

}  // namespace quadhop
