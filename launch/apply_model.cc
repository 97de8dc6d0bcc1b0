// Evaluate, Predict and Export: a checkpoint applied.
#include <absl/strings/str_format.h>

#include <cstdio>
#include <vector>

#include "comm/gather.h"
#include "core/npy.h"
#include "core/status.h"
#include "launch/evaluation.h"
#include "launch/jobs.h"
#include "launch/metrics.h"
#include "launch/session.h"

namespace quadhop {
namespace {

absl::StatusOr<std::unique_ptr<Session>> LoadCheckpoint(const CheckpointJob& job,
                                                        const RankContext& context) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
                      Session::Create(job.store, job.split, job.config, context));
  QH_RETURN_IF_ERROR(ReadCheckpoint(session->Subject(nullptr), job.checkpoint).status());
  return session;
}

// The label predicted of each node [n], or for multi-label each column's [n, C]: 1 where the logit
// is positive.
class Predictions {
 public:
  Predictions(int64_t num_nodes, int64_t classes, bool multi_label)
      : columns_(multi_label ? classes : 1),
        multi_label_(multi_label),
        values_(static_cast<size_t>(num_nodes * columns_)) {}

  void Set(int64_t row, absl::Span<const float> logits) {
    int32_t* out = values_.data() + row * columns_;
    if (!multi_label_) {
      *out = LargestColumn(logits);
      return;
    }
    for (size_t c = 0; c < logits.size(); ++c) out[c] = logits[c] > 0 ? 1 : 0;
  }
  int64_t columns() const { return columns_; }
  std::vector<int32_t>& values() { return values_; }

 private:
  int64_t columns_;
  bool multi_label_;
  std::vector<int32_t> values_;
};

// All ranks' rows on rank 0, in the order of the input, written as one array.
absl::Status WriteInInputOrder(const Session& session, Predictions& mine, const std::string& out) {
  const Store& store = session.store();
  const RankContext& context = session.context();
  const int64_t row_bytes = mine.columns() * static_cast<int64_t>(sizeof(int32_t));
  std::vector<int64_t> rank_bytes = {static_cast<int64_t>(mine.values().size() * sizeof(int32_t))};
  std::vector<int64_t> sizes(static_cast<size_t>(context.comm.num_ranks()));
  sizes[static_cast<size_t>(context.comm.rank().value())] = rank_bytes[0];
  QH_RETURN_IF_ERROR(SumOverRanks(context.comm, "sizes of predictions", absl::MakeSpan(sizes)));
  std::vector<int32_t> all(static_cast<size_t>(store.num_nodes() * mine.columns()));
  const auto bytes = [](std::vector<int32_t>& v) {
    return absl::MakeSpan(reinterpret_cast<uint8_t*>(v.data()), v.size() * sizeof(int32_t));
  };
  QH_RETURN_IF_ERROR(
      context.comm.AllGatherV("predictions", bytes(mine.values()), sizes, bytes(all)));
  if (!context.IsMain()) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const auto original_ids, store.original_ids());
  std::vector<int32_t> ordered(all.size());
  for (size_t v = 0; v < original_ids.size(); ++v) {
    if (original_ids[v] < 0 || original_ids[v] >= store.num_nodes())
      return absl::DataLossError(absl::StrCat(store.path(), ": node ", v, " has the original id ",
                                              original_ids[v], "; allowed: [0, ", store.num_nodes(),
                                              ")"));
    std::copy_n(all.data() + static_cast<int64_t>(v) * mine.columns(), mine.columns(),
                ordered.data() + original_ids[v] * mine.columns());
  }
  std::vector<int64_t> dims = {store.num_nodes()};
  if (store.manifest().multi_label()) dims.push_back(mine.columns());
  QH_RETURN_IF_ERROR(WriteNpy(out, DType::kI32, dims, ordered.data()));
  absl::PrintF(
      "wrote %s: the predictions of %d nodes, in the order of the input (%d bytes a node)\n", out,
      store.num_nodes(), row_bytes);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> Evaluate(const CheckpointJob& job, const RankContext& context) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, LoadCheckpoint(job, context));
  QH_ASSIGN_OR_RETURN(
      const auto metrics,
      EvaluateParts(*session, {SplitPart::kTrain, SplitPart::kValid, SplitPart::kTest}));
  if (!context.IsMain()) return ExitCode::kDone;
  JsonObject json;
  json.Add("checkpoint", job.checkpoint).Add("split", session->split());
  for (const auto& [part, of_part] : metrics) {
    for (const auto& [name, value] : of_part.Named(part)) json.Add(name, value);
    json.Add(absl::StrCat(PartName(part), "_nodes"), of_part.nodes);
    if (!job.as_json)
      absl::PrintF("%-6s %s %.4f of %d nodes\n", PartName(part),
                   session->store().manifest().multi_label() ? "micro F1" : "accuracy",
                   of_part.selected(), of_part.nodes);
  }
  if (job.as_json) absl::PrintF("%s\n", json.ToString());
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> Predict(const CheckpointJob& job, const RankContext& context) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, LoadCheckpoint(job, context));
  const LoaderInputs& inputs = session->inputs();
  const StoreManifest& manifest = session->store().manifest();
  const auto offset = [&](int32_t p) { return inputs.partition_offsets[static_cast<size_t>(p)]; };
  const int64_t first = offset(inputs.first_partition);
  Predictions mine(offset(inputs.end_partition) - first, manifest.classes(),
                   manifest.multi_label());
  Pass pass;
  pass.kind = Pass::Kind::kAllNodes;
  pass.batch = job.config.train().batch();
  QH_RETURN_IF_ERROR(
      session->ForEachPrediction(pass, [&](const Batch& batch, TensorView<const float> logits) {
        for (int64_t r = 0; r < batch.num_nodes(); ++r) {
          mine.Set(batch.nodes[static_cast<size_t>(r)].value() - first,
                   {logits.row(r), static_cast<size_t>(logits.dim(1))});
        }
      }));
  QH_RETURN_IF_ERROR(WriteInInputOrder(*session, mine, job.out));
  return ExitCode::kDone;
}

absl::Status Export(const CheckpointJob& job) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(job.store));
  QH_ASSIGN_OR_RETURN(const auto original_ids, store->original_ids());
  QH_RETURN_IF_ERROR(ExportWeights(job.checkpoint, original_ids, job.out));
  absl::PrintF("wrote %s\n", job.out);
  return absl::OkStatus();
}

}  // namespace quadhop
