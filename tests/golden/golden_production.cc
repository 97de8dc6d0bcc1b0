#include "tests/golden/golden_production.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "comm/collectives/communicator.h"
#include "core/base/status.h"
#include "core/threads/thread_pool.h"
#include "model/largegt/largegt.h"
#include "model/parameters/adam.h"
#include "tests/model/test_kernels.h"

namespace quadhop::golden {
namespace {

LargeGTOptions OptionsOf(const GoldenCase& golden) {
  LargeGTOptions options;
  LargeGTDims& d = options.dims;
  d.features = golden.features;
  d.sampled = golden.sampled;
  d.pos_enc = golden.pe_width;
  d.width = golden.width;
  d.heads = golden.heads;
  d.centroids = golden.centroids;
  d.classes = golden.classes;
  options.conv = golden.conv == "full"     ? Conv::kFull
                 : golden.conv == "local"  ? Conv::kLocal
                 : golden.conv == "global" ? Conv::kGlobal
                                           : Conv::kNone;
  options.norm = golden.norm == "batch_norm"   ? NormKind::kBatch
                 : golden.norm == "layer_norm" ? NormKind::kLayer
                                               : NormKind::kNone;
  options.codebook_start = CodebookStart::kPaper;
  options.ff_dropout = options.local_dropout = options.attention_dropout = 0;
  options.ema_decay = golden.ema_decay;
  return options;
}

// The rows of all nodes of the case are the batch's feature rows.
Batch MakeBatch(const GoldenCase& golden, const std::vector<int64_t>& nodes, int64_t step) {
  Batch batch;
  batch.step = step;
  batch.global_nodes = static_cast<int64_t>(nodes.size());
  batch.slice_offsets = {0, batch.global_nodes};
  batch.features.Resize({golden.nodes, 3, golden.features});
  for (int64_t v = 0; v < golden.nodes; ++v) {
    const auto at = [&](const std::vector<double>& all, int64_t i) {
      return static_cast<float>(all[static_cast<size_t>(i)]);
    };
    for (int64_t f = 0; f < golden.features; ++f)
      batch.features.row(v)[f] = at(golden.x, v * golden.features + f);
    for (int64_t f = 0; f < 2 * golden.features; ++f)
      batch.features.row(v)[golden.features + f] = at(golden.hop, v * 2 * golden.features + f);
  }
  batch.pos_enc.Resize({batch.global_nodes, golden.pe_width});
  for (size_t i = 0; i < nodes.size(); ++i) {
    const int64_t v = nodes[i];
    batch.nodes.push_back(GlobalId(v));
    batch.own.push_back(LocalRow(static_cast<int32_t>(v)));
    batch.labels.push_back(static_cast<int32_t>(golden.labels[static_cast<size_t>(v)]));
    for (int64_t k = 0; k < golden.sampled; ++k) {
      batch.sampled.push_back(LocalRow(
          static_cast<int32_t>(golden.sampled_nodes[static_cast<size_t>(v * golden.sampled + k)])));
    }
    for (int64_t g = 0; g < golden.pe_width; ++g) {
      batch.pos_enc.row(static_cast<int64_t>(i))[g] =
          static_cast<float>(golden.pos_enc[static_cast<size_t>(v * golden.pe_width + g)]);
    }
  }
  batch.CountEachOnce(golden.sampled);
  return batch;
}

absl::Status LoadState(const Arrays& state, Communicator& comm, LargeGT& model) {
  for (const StateArray& array : model.State()) {
    const auto found = state.find(array.name);
    if (found == state.end() || found->second.dims != array.dims)
      return absl::InvalidArgumentError("no " + array.name + " of the model's dims in the case");
    const std::vector<double>& values = found->second.values;
    if (array.integer != nullptr) {
      *array.integer = static_cast<int64_t>(values[0]);
    } else {
      const std::vector<float> floats(values.begin(), values.end());
      ToArray<float>(model.memory(), floats, array.floats);
    }
  }
  if (Codebook* book = model.codebook()) {
    const std::vector<double>& codes = state.at("convs.0.c_idx").values;
    book->SetCodes(std::vector<int16_t>(codes.begin(), codes.end()));
    return book->RecountCodes(comm, /*started=*/true);
  }
  return absl::OkStatus();
}

Arrays StateOf(LargeGT& model) {
  Arrays arrays;
  for (const StateArray& array : model.State()) {
    Array& out = arrays[array.name];
    out.dims = array.dims;
    if (array.integer != nullptr) {
      out.values = {static_cast<double>(*array.integer)};
    } else {
      const std::vector<float> floats = ToHost(model.memory(), array.floats);
      out.values.assign(floats.begin(), floats.end());
    }
  }
  return arrays;
}

Arrays GradientsOf(ParameterSet& parameters) {
  Arrays arrays;
  for (const Parameter& p : parameters.parameters()) {
    if (p.group == GradientGroup::kUnused) continue;
    const std::vector<float> gradient = ToHost(parameters.memory(), parameters.gradient(p.name));
    arrays[p.name] = {p.dims, {gradient.begin(), gradient.end()}};
  }
  return arrays;
}

absl::StatusOr<std::vector<double>> Evaluate(const GoldenCase& golden, LargeGT& model) {
  const Batch batch = MakeBatch(golden, golden.EvaluationBatch(), -1);
  Tensor<float> logits({batch.num_nodes(), golden.classes});
  QH_RETURN_IF_ERROR(model.Predict(batch, logits.view()));
  return std::vector<double>(logits.data(), logits.data() + logits.size());
}

}  // namespace

absl::StatusOr<GoldenOutcome> RunProduction(const GoldenCase& golden) {
  ThreadPool pool(2);
  const std::unique_ptr<Kernels> kernels = MakeTestKernels(pool);
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  std::vector<int64_t> ids(static_cast<size_t>(golden.nodes));
  std::iota(ids.begin(), ids.end(), 0);
  ModelPlacement placement;
  placement.kernels = kernels.get();
  placement.comm = comm.get();
  placement.owners.first = {0, 1};
  placement.owned_original_ids = ids;
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<LargeGT> model,
                      LargeGT::Create(OptionsOf(golden), placement));
  QH_RETURN_IF_ERROR(LoadState(golden.state_before, *comm, *model));
  Adam adam({}, model->parameters());

  GoldenOutcome outcome;
  QH_ASSIGN_OR_RETURN(outcome.eval_before, Evaluate(golden, *model));
  for (size_t s = 0; s < golden.step_batches.size(); ++s) {
    const Batch batch = MakeBatch(golden, golden.step_batches[s], static_cast<int64_t>(s));
    QH_ASSIGN_OR_RETURN(const double loss, model->ComputeGradients(batch));
    outcome.losses.push_back(loss);
    const std::vector<float> logits = model->last_logits();
    outcome.step_logits.emplace_back(logits.begin(), logits.end());
    if (s == 0) outcome.gradients = GradientsOf(model->parameters());
    adam.Apply(*kernels, golden.learning_rate, model->parameters());
  }
  outcome.state_after = StateOf(*model);
  QH_ASSIGN_OR_RETURN(outcome.eval_after, Evaluate(golden, *model));
  return outcome;
}

}  // namespace quadhop::golden
