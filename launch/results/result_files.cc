#include "launch/results/result_files.h"

#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "comm/collectives/gather.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/store/store.h"
#include "launch/ranks/agreed_status.h"
#include "launch/results/metrics.h"
#include "launch/run/run_folder.h"

namespace quadhop {
namespace {

// Gathered at once from all ranks together.
constexpr int64_t kGatheredBytes = int64_t{16} << 20;

// With one label per node: the class, or kUnlabelled if a logit is NaN. With several labels: for
// each column, 1 if its logit is positive.
void FillPredictions(bool multi_label, absl::Span<const float> logits, void* values) {
  auto* const out = static_cast<int32_t*>(values);
  if (multi_label)
    std::transform(logits.begin(), logits.end(), out, [](float logit) { return logit > 0; });
  else
    *out = LargestColumn(logits);
}

// Softmax over classes, or, with several labels, a sigmoid per column.
void FillProbabilities(bool multi_label, absl::Span<const float> logits, void* values) {
  auto* const out = static_cast<float*>(values);
  const double largest = multi_label ? 0 : *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - largest);
  for (size_t c = 0; c < logits.size(); ++c)
    out[c] = static_cast<float>(multi_label ? 1 / (1 + std::exp(-double{logits[c]}))
                                            : std::exp(double{logits[c]} - largest) / sum);
}

// Those that the model was trained on; without them, the store's, if it has as many classes. Empty:
// classes have no names.
std::vector<std::string> ClassNames(const PredictJob& job, Session& session) {
  const absl::StatusOr<StoreManifest> trained = ReadTrainedOn(job.model.run);
  const StoreManifest& manifest = trained.ok() ? *trained : session.store().manifest();
  if (manifest.class_names_size() != session.model().options().dims.classes) return {};
  return {manifest.class_names().begin(), manifest.class_names().end()};
}

}  // namespace

void ResultFiles::Want(const PredictJob& job) {
  const bool multi_label = session_.model().options().loss == LossKind::kBinary;
  const LargeGTDims& dims = session_.model().options().dims;
  using Row = absl::Span<const float>;
  if (!job.predictions.empty())
    results_.push_back({job.predictions, "the predictions", "class", DType::kI32,
                        multi_label ? dims.classes : 1, multi_label, false,
                        [multi_label](Row logits, void* values) {
                          FillPredictions(multi_label, logits, values);
                        }});
  if (!job.probabilities.empty())
    results_.push_back({job.probabilities, "the probabilities of the classes", "class", DType::kF32,
                        dims.classes, true, false, [multi_label](Row logits, void* values) {
                          FillProbabilities(multi_label, logits, values);
                        }});
  if (!job.embeddings.empty())
    results_.push_back({job.embeddings, "the embeddings", "embedding", DType::kF32, dims.width,
                        true, true, [](Row embedding, void* values) {
                          std::memcpy(values, embedding.data(), embedding.size() * sizeof(float));
                        }});
}

absl::Status ResultFiles::CreateFiles() {
  for (const Result& result : results_) {
    std::vector<int64_t> dims = {selection_.num_rows()};
    if (result.matrix) dims.push_back(result.columns);
    QH_ASSIGN_OR_RETURN(RowFile file, RowFile::Create(result.path, {result.dtype, dims}));
    files_.push_back(std::move(file));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ResultFiles>> ResultFiles::Create(const PredictJob& job,
                                                                 Session& session,
                                                                 const NodeSelection& selection) {
  std::unique_ptr<ResultFiles> files(new ResultFiles(session, selection));
  files->Want(job);
  files->class_names_ = ClassNames(job, session);
  QH_RETURN_IF_ERROR(OnMainRank(session.context().comm, "make the files of results",
                                [&] { return files->CreateFiles(); }));
  return files;
}

absl::Status ResultFiles::Add(const Batch& batch, const Prediction& prediction) {
  Communicator& comm = session_.context().comm;
  const int64_t num_rows = batch.num_nodes();
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> rows_of_ranks,
                      GatherOne(comm, "numbers of results", num_rows));
  const int64_t most = *std::max_element(rows_of_ranks.begin(), rows_of_ranks.end());
  const int64_t at_once = std::max<int64_t>(1, kGatheredBytes / comm.num_ranks() / RowBytes());
  for (int64_t begin = 0; begin < most; begin += at_once)
    QH_RETURN_IF_ERROR(AddRows(batch, prediction,
                               {std::min(begin, num_rows), std::min(begin + at_once, num_rows)}));
  return absl::OkStatus();
}

int64_t ResultFiles::RowBytes() const {
  int64_t bytes = sizeof(int64_t);
  for (const Result& result : results_) bytes += result.bytes();
  return bytes;
}

absl::Status ResultFiles::AddRows(const Batch& batch, const Prediction& prediction,
                                  BlockRange rows) {
  mine_.resize(static_cast<size_t>((rows.end - rows.begin) * RowBytes()));
  const auto row_of = [](TensorView<const float> from, int64_t r) {
    return absl::Span<const float>(from.row(r), static_cast<size_t>(from.dim(1)));
  };
  uint8_t* out = mine_.data();
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    const int64_t node = batch.nodes[static_cast<size_t>(r)].value();
    std::memcpy(out, &node, sizeof(node));
    out += sizeof(node);
    for (const Result& result : results_) {
      result.fill(row_of(result.of_embedding ? prediction.embeddings : prediction.logits, r), out);
      out += result.bytes();
    }
  }
  QH_ASSIGN_OR_RETURN(const std::vector<uint8_t> all,
                      GatherToRank<uint8_t>(session_.context().comm, "results", Rank(0), mine_));
  for (const uint8_t* in = all.data(); in != all.data() + all.size();) {
    int64_t node;
    std::memcpy(&node, in, sizeof(node));
    in += sizeof(node);
    const int64_t row = selection_.RowOf(GlobalId(node));
    for (size_t i = 0; i < results_.size(); ++i) {
      std::memcpy(files_[i].Row(row), in, static_cast<size_t>(results_[i].bytes()));
      in += results_[i].bytes();
    }
  }
  return absl::OkStatus();
}

RowFile::Text ResultFiles::TextOf(const Result& result, NodeSelection::Names& names) const {
  const bool classes = !result.of_embedding && !class_names_.empty();
  RowFile::Text text;
  text.header = "node";
  if (!result.matrix) absl::StrAppend(&text.header, ",", result.column);
  for (int64_t c = 0; result.matrix && c < result.columns; ++c)
    absl::StrAppend(&text.header, ",",
                    classes ? CsvField(class_names_[static_cast<size_t>(c)])
                            : absl::StrCat(result.column, "_", c));
  text.node = [&names](int64_t row) { return names.Of(row); };
  if (classes && !result.matrix)
    text.name = [this](int64_t value) {
      return value == kUnlabelled ? "" : class_names_[static_cast<size_t>(value)];
    };
  return text;
}

absl::Status ResultFiles::Finish() {
  if (files_.empty()) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(NodeSelection::Names names, NodeSelection::Names::Open(selection_));
  for (size_t i = 0; i < files_.size(); ++i) {
    QH_RETURN_IF_ERROR(files_[i].Finish(TextOf(results_[i], names)));
    absl::PrintF("wrote %s: %s of %s, in the order of %s\n", results_[i].path, results_[i].what,
                 Counted(selection_.num_rows(), "node"),
                 selection_.all() ? "the input" : "--nodes");
  }
  return absl::OkStatus();
}

}  // namespace quadhop
