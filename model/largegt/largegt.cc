#include "model/largegt/largegt.h"

#include <algorithm>
#include <utility>

#include "comm/collectives/operations.h"
#include "core/base/status.h"
#include "core/files/checksum.h"

namespace quadhop {

LargeGT::LargeGT(const LargeGTOptions& options, const ModelPlacement& placement)
    : LargeGT(options, placement, LayerNames(options.norm)) {}

LargeGT::LargeGT(const LargeGTOptions& options, const ModelPlacement& placement,
                 const LayerNames& names)
    : options_(options),
      placement_(placement),
      parameters_(options, placement.kernels->memory()),
      gradients_(parameters_, placement.owners.num_owned(placement.comm->rank())),
      in_first_(names.in_first, options.norm == NormKind::kBatch),
      in_second_(names.in_second),
      in_activation_(names.in_norm, options.norm, options.dims.width, options.ff_dropout,
                     RandomPurpose::kInputDropout, memory()),
      local_(options, placement.owners.num_owned(placement.comm->rank()), memory()),
      head_first_(names.head_first, options.norm == NormKind::kBatch),
      head_second_(names.head_second, options.norm == NormKind::kBatch),
      out_(names.out),
      head_first_activation_(names.head_first_norm, options.norm, options.dims.wide(),
                             options.ff_dropout, RandomPurpose::kFirstFeedForwardDropout, memory()),
      head_second_activation_(names.head_second_norm, options.norm, options.dims.width,
                              options.ff_dropout, RandomPurpose::kSecondFeedForwardDropout,
                              memory()) {
  verdict_.Resize(memory(), {2});
  class_weight_.Resize(memory(), {static_cast<int64_t>(placement.class_weight.size())});
  ToArray(memory(), placement.class_weight, class_weight_.view());
}

absl::StatusOr<std::unique_ptr<LargeGT>> LargeGT::Create(const LargeGTOptions& options,
                                                         const ModelPlacement& placement) {
  auto model = std::unique_ptr<LargeGT>(new LargeGT(options, placement));
  QH_RETURN_IF_ERROR(model->memory().status());
  if (options.has_input()) {
    QH_ASSIGN_OR_RETURN(model->side_kernels_, placement.kernels->OnNewStream());
  }
  QH_ASSIGN_OR_RETURN(model->sums_,
                      BackgroundSum::Create(*placement.comm, placement.owners, placement.reduction,
                                            &placement.kernels->row_adder()));
  // With several ranks the host waits within a step.
  if (options.cuda_graphs && !model->memory().is_host() && placement.comm->num_ranks() == 1) {
    Memory* const side =
        model->side_kernels_ == nullptr ? nullptr : &model->side_kernels_->memory();
    model->recordings_ =
        std::make_unique<StepRecordings>(std::vector<Memory*>{&model->memory(), side});
  }
  if (options.has_global()) {
    QH_ASSIGN_OR_RETURN(Codebook codebook, Codebook::Create(options, placement.first_node,
                                                            placement.owned_original_ids,
                                                            *placement.comm, *placement.kernels));
    model->global_ = std::make_unique<GlobalModule>(options, std::move(codebook), model->memory());
  }
  return model;
}

absl::StatusOr<Step> LargeGT::MakeStep(const Batch& batch, bool training) {
  rows_ = batch.num_nodes();
  arrays_.Take(memory(), batch);
  QH_RETURN_IF_ERROR(memory().status());  // without room for a batch there are no arrays
  return Step{*placement_.kernels,
              *placement_.comm,
              *sums_,
              placement_.owners,
              parameters_,
              gradients_,
              batch,
              arrays_,
              training,
              options_.seed};
}

absl::StatusOr<double> LargeGT::ComputeGradients(const Batch& batch) {
  QH_ASSIGN_OR_RETURN(const Step step, MakeStep(batch, /*training=*/true));
  const auto queue = [&] { return QueueStep(step); };
  QH_RETURN_IF_ERROR(IsRepeatable() ? recordings_->Queue(batch, queue) : queue());
  CountBatch();
  return ReadVerdict();
}

// Until the codebook starts, the host reads queries.
bool LargeGT::IsRepeatable() const {
  return recordings_ != nullptr && (global_ == nullptr || global_->codebook().started());
}

absl::Status LargeGT::QueueStep(const Step& step) {
  const Step side = OnSideStream(step);
  QH_RETURN_IF_ERROR(Forward(step, side));
  if (global_) QH_RETURN_IF_ERROR(global_->AssignCodebook(side));
  Loss(step);
  QH_RETURN_IF_ERROR(Backward(step, side));
  QH_RETURN_IF_ERROR(step.WaitForSums());
  if (global_) global_->MoveCodebook(step);
  if (options_.has_local()) local_.ApplyChainRule(*placement_.kernels, parameters_);
  placement_.kernels->CheckFinite(parameters_.trained_gradients(), verdict_.view().Rows(1, 2));
  return absl::OkStatus();
}

void LargeGT::CountBatch() {
  if (options_.norm == NormKind::kBatch) {
    if (options_.has_input()) ++in_activation_.moments()->num_batches();
    ++head_first_activation_.moments()->num_batches();
    ++head_second_activation_.moments()->num_batches();
  }
  if (global_) ++global_->codebook().moments().num_batches();
}

// Reads what the host must know about a step before the next.
absl::StatusOr<double> LargeGT::ReadVerdict() {
  const std::vector<double> verdict = ToHost(memory(), verdict_.view());
  QH_RETURN_IF_ERROR(memory().status());
  gradients_finite_ = verdict[1] != 0;
  return verdict[0];
}

absl::Status LargeGT::Predict(const Batch& batch, TensorView<float> logits) {
  QH_CHECK(logits.HasDims({batch.num_nodes(), options_.dims.classes}));
  QH_ASSIGN_OR_RETURN(const Step step, MakeStep(batch, /*training=*/false));
  QH_RETURN_IF_ERROR(Forward(step, OnSideStream(step)));
  memory().Download(logits_.data(), BytesOf(logits), logits.data());
  return memory().status();
}

// Token attention takes most of a step, so what ranks must exchange travels while it computes, and
// a device computes the rest beside it.
absl::Status LargeGT::Forward(const Step& step, const Step& side) {
  const LargeGTDims& d = options_.dims;
  const int64_t rows = step.rows();
  mixed_.Resize(memory(), {rows, options_.head_inputs()});
  if (d.head_features) {
    own_hops_.Resize(memory(), {rows, d.own_columns()});
    step.kernels.GatherRows(step.arrays.features(), step.arrays.own(), own_hops_.view());
    CopyColumns(memory(), own_hops_.cview(), 0, d.own_columns(), mixed_.view(),
                options_.own_column());
  }
  side.After(step);
  if (options_.has_input()) StartInput(side);
  if (options_.has_local()) {
    local_out_.Resize(memory(), {rows, d.wide()});
    local_.Forward(step, local_out_.view());
    CopyColumns(memory(), local_out_.cview(), 0, d.wide(), mixed_.view(), 0);
  }
  if (options_.has_input()) QH_RETURN_IF_ERROR(FinishInput(side));
  if (options_.conv == Conv::kNone)
    CopyColumns(side.memory(), embedded_.cview(), 0, d.width, mixed_.view(), 0);
  if (global_) {
    global_out_.Resize(side.memory(), {rows, d.wide()});
    global_->Forward(side, embedded_.cview(), global_out_.view());
    CopyColumns(side.memory(), global_out_.cview(), 0, d.wide(), mixed_.view(),
                options_.global_column());
  }
  step.After(side);
  return Head(step);
}

void LargeGT::StartInput(const Step& step) {
  const LargeGTDims& d = options_.dims;
  own_.Resize(step.memory(), {step.rows(), d.features});
  step.kernels.GatherRows(step.arrays.features(), step.arrays.own(), own_.view());
  for (Array<float>* t : {&in_linear_, &in_hidden_, &embedded_})
    t->Resize(step.memory(), {step.rows(), d.width});
  in_first_.Forward(step, own_.cview(), in_linear_.view());
  in_activation_.StartForward(step, in_linear_.cview());
}

absl::Status LargeGT::FinishInput(const Step& step) {
  QH_RETURN_IF_ERROR(in_activation_.FinishForward(step, in_linear_.cview(), in_hidden_.view()));
  in_second_.Forward(step, in_hidden_.cview(), embedded_.view());
  return absl::OkStatus();
}

absl::Status LargeGT::Head(const Step& step) {
  const LargeGTDims& d = options_.dims;
  const int64_t rows = step.rows();
  for (Array<float>* t : {&head_linear_, &head_hidden_}) t->Resize(memory(), {rows, d.wide()});
  for (Array<float>* t : {&last_linear_, &last_hidden_}) t->Resize(memory(), {rows, d.width});
  head_first_.Forward(step, mixed_.cview(), head_linear_.view());
  QH_RETURN_IF_ERROR(
      head_first_activation_.Forward(step, head_linear_.cview(), head_hidden_.view()));
  head_second_.Forward(step, head_hidden_.cview(), last_linear_.view());
  QH_RETURN_IF_ERROR(
      head_second_activation_.Forward(step, last_linear_.cview(), last_hidden_.view()));
  logits_.Resize(memory(), {rows, d.classes});
  out_.Forward(step, last_hidden_.cview(), logits_.view());
  return absl::OkStatus();
}

void LargeGT::Loss(const Step& step) {
  d_logits_.Resize(memory(), {step.rows(), options_.dims.classes});
  loss_.Resize(memory(), {step.num_owned()});
  LossArgs args;
  args.kind = options_.loss;
  args.slices = step.slices();
  args.logits = logits_.cview();
  args.labels = step.arrays.labels();
  args.multi_labels = step.arrays.multi_labels();
  args.class_weight = class_weight_.cview();
  args.global_nodes = step.batch.global_nodes;
  args.d_logits = d_logits_.view();
  args.loss = loss_.view();
  step.kernels.Loss(args);
  step.StartSum("loss", loss_, verdict_.view().Rows(0, 1));
}

void LargeGT::SumGradients(GradientGroup group, const Step& computed) {
  const bool local = group == GradientGroup::kLocal;
  sums_->Submit(kSumOfGradients, local ? local_.summands() : gradients_.Group(group),
                local ? local_.summed() : parameters_.GroupGradients(group), &computed.memory());
}

absl::Status LargeGT::Backward(const Step& step, const Step& side) {
  const LargeGTDims& d = options_.dims;
  const int64_t rows = step.rows();
  d_last_.Resize(memory(), {rows, d.width});
  d_head_.Resize(memory(), {rows, d.wide()});
  d_mixed_.Resize(memory(), {rows, mixed_.dim(1)});
  out_.Backward(step, last_hidden_.cview(), d_logits_.cview(), d_last_.view());
  QH_RETURN_IF_ERROR(head_second_activation_.Backward(step, d_last_.view()));
  head_second_.Backward(step, head_hidden_.cview(), d_last_.cview(), d_head_.view());
  QH_RETURN_IF_ERROR(head_first_activation_.Backward(step, d_head_.view()));
  head_first_.Backward(step, mixed_.cview(), d_head_.cview(), d_mixed_.view());
  SumGradients(GradientGroup::kHead, step);

  side.After(step);
  const auto local_backward = [&] {
    if (!options_.has_local()) return;
    CopyColumns(memory(), d_mixed_.cview(), 0, d.wide(), local_out_.view(), 0);
    local_.Backward(step, local_out_.cview());
  };
  // A device has waited for the head's sums: it is given token attention first, and then what runs
  // beside it. A host computes at once, and starts the sums that travel meanwhile first.
  const bool is_queued = !memory().is_host();
  if (is_queued) local_backward();
  if (options_.has_input()) {
    d_embedded_.Resize(side.memory(), {rows, d.width});
    if (global_) {
      CopyColumns(side.memory(), d_mixed_.cview(), options_.global_column(), d.wide(),
                  global_out_.view(), 0);
      global_->Backward(side, embedded_.cview(), global_out_.cview(), d_embedded_.view());
    } else {
      CopyColumns(side.memory(), d_mixed_.cview(), 0, d.width, d_embedded_.view(), 0);
    }
    in_second_.Backward(side, in_hidden_.cview(), d_embedded_.cview(), in_linear_.view());
    SumGradients(GradientGroup::kGlobal, side);
    in_activation_.StartBackward(side, in_linear_.view());
  }
  if (!is_queued) local_backward();
  // Before the last sums are started, because it waits for all sums.
  if (options_.has_input())
    QH_RETURN_IF_ERROR(in_activation_.FinishBackward(side, in_linear_.view()));
  if (options_.has_local()) SumGradients(GradientGroup::kLocal, step);
  if (options_.has_input()) {
    in_first_.Backward(side, own_.cview(), in_linear_.cview(), {});
    SumGradients(GradientGroup::kInput, side);
  }
  step.After(side);
  return absl::OkStatus();
}

std::vector<StateArray> LargeGT::State() {
  std::vector<StateArray> state;
  for (const Parameter& p : parameters_.parameters())
    state.push_back({p.name, p.dims, parameters_.value(p)});
  const auto add_moments = [&state](const std::string& norm, BatchMoments& moments) {
    const int64_t width = moments.running_mean().size();
    state.push_back({norm + ".running_mean", {width}, moments.running_mean()});
    state.push_back({norm + ".running_var", {width}, moments.running_var()});
    state.push_back({norm + ".num_batches_tracked", {}, {}, &moments.num_batches()});
  };
  for (ActivationLayer* layer :
       {&in_activation_, &head_first_activation_, &head_second_activation_}) {
    if (layer->moments() != nullptr) add_moments(layer->norm_name(), *layer->moments());
  }
  if (Codebook* book = codebook()) {
    const int64_t centroids = options_.dims.centroids, width = options_.dims.query();
    const std::string vq = "convs.0.vq.";
    state.push_back({vq + "_embedding", {centroids, width}, book->embedding()});
    state.push_back({vq + "_embedding_output", {centroids, width}, book->output_state()});
    state.push_back({vq + "_ema_cluster_size", {centroids}, book->sizes()});
    state.push_back({vq + "_ema_w", {centroids, width}, book->sums()});
    add_moments(vq + "bn", book->moments());
  }
  return state;
}

uint64_t LargeGT::ReplicaHash() {
  uint64_t hash = 0;
  for (const StateArray& array : State()) {
    const bool scalar = array.integer != nullptr;
    const std::vector<float> floats = ToHost(memory(), array.floats);
    hash = Mix64(hash ^ (scalar ? Xxh3(array.integer, sizeof(int64_t))
                                : Xxh3(floats.data(), floats.size() * sizeof(float))));
  }
  return hash;
}

}  // namespace quadhop
