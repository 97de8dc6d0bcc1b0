#include "launch/training/trainer.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "comm/collectives/gather.h"
#include "comm/collectives/replica_check.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/base/warning.h"
#include "launch/config/backends.h"
#include "launch/display/loss_text.h"
#include "launch/ranks/agreed_status.h"
#include "launch/results/trained_names.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_machine.h"
#include "launch/run/run_paths.h"
#include "launch/training/learning_rate.h"
#include "launch/training/resume.h"
#include "launch/training/run_opening.h"
#include "launch/training/run_summary.h"
#include "model/checkpoint/checkpoint_transfer.h"
#include "model/checkpoint/safetensors.h"

namespace quadhop {
namespace {

// Shorter evaluations are not worth a message.
constexpr double kLongEvaluationSeconds = 5;

// An epoch whose mean loss is so many times that of guessing, and more than in an earlier one, is
// not on its way to learn.
constexpr double kDivergedLosses = 20;

// Over the nodes trained on; NaN while all steps were left out.
double MeanLoss(const EpochProgress& progress) {
  if (progress.nodes() == 0) return std::nan("");
  return progress.loss_sum() / static_cast<double>(progress.nodes());
}

bool IsEvaluated(int64_t epoch, const TrainConfig& config) {
  return epoch % config.eval_every_epochs() == 0 || epoch == config.epochs();
}

// How many epochs are evaluated from this one on.
int64_t EvaluationsFrom(int64_t epoch, const TrainConfig& config) {
  const int64_t epochs = config.epochs(), every = config.eval_every_epochs();
  return NumBlocks(epochs, every) - (epoch - 1) / every;
}

}  // namespace

Trainer::Trainer(const TrainJob& job, Session& session, Faults& faults)
    : job_(job),
      config_(job.config.train()),
      session_(session),
      adam_({config_.weight_decay(), config_.clip_norm()}, session.model().parameters()),
      faults_(faults),
      backup_(session),
      display_(session.context().IsMain(), job.log) {
  position_.set_best_valid(-1);
  position_.set_split(session.split());
}

absl::StatusOr<ExitCode> Trainer::Run() {
  QH_RETURN_IF_ERROR(OnMainRank(session_.context().comm, "take the folder of the run",
                                [this] { return TakeFolder(); }));
  QH_ASSIGN_OR_RETURN(const bool begun, Begin());
  if (!begun) return ExitCode::kDone;
  if (job_.stop != nullptr) job_.stop->Defer();
  while (!IsTrained(config_, position_)) {
    const int64_t epoch = position_.epoch() + 1;
    QH_ASSIGN_OR_RETURN(const bool stop, TrainEpoch(epoch));
    if (stop) return Stop();
    const absl::Status ended = EndEpoch(epoch);
    if (absl::IsCancelled(ended)) return Stop();
    QH_RETURN_IF_ERROR(ended);
  }
  QH_RETURN_IF_ERROR(Finish());
  return ExitCode::kDone;
}

absl::Status Trainer::TakeFolder() {
  QH_ASSIGN_OR_RETURN(folder_,
                      RunFolder::Create(job_.run, job_.start,
                                        {.config = WithBackendsOf(session_.config(), job_.config),
                                         .store = job_.store,
                                         .manifest = session_.store().manifest(),
                                         .split = session_.split()}));
  if (job_.log == LogStyle::kJson) folder_->EchoTo(stdout, job_.repetition);
  return absl::OkStatus();
}

absl::StatusOr<bool> Trainer::Begin() {
  if (folder_ != nullptr) IntroduceRun(session_, display_);
  QH_ASSIGN_OR_RETURN(agreement_, StepAgreement::Create(session_.context().comm));
  QH_ASSIGN_OR_RETURN(checkpointing_,
                      Checkpointing::Create(job_, session_, adam_, folder_.get(), faults_));
  if (job_.start == RunFolder::Start::kResume) {
    QH_ASSIGN_OR_RETURN(const bool unfinished,
                        ResumeRun(job_, session_, adam_, folder_.get(), display_, position_));
    if (!unfinished) return false;
    if (position_.step() == 0) QH_RETURN_IF_ERROR(TakeInitialWeights());
  } else {
    QH_RETURN_IF_ERROR(TakeInitialWeights());  // before an earlier run is removed
    if (folder_ != nullptr) QH_RETURN_IF_ERROR(folder_->Begin());
  }
  if (folder_ != nullptr) {
    WarnOfShortTraining(session_, config_, display_);
    WarnOfDisk(session_, job_, display_);
  }
  QH_RETURN_IF_ERROR(BeginRecords());
  return true;
}

absl::Status Trainer::TakeInitialWeights() {
  if (job_.init.empty()) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(job_.init));
  const TrainedNames trained = NamesInMetadata(file.metadata());
  const TrainedNames names = NamesOf(session_.store().manifest());
  QH_RETURN_IF_ERROR(CheckFeatureNames(trained, names, job_.store));
  QH_RETURN_IF_ERROR(CheckClassNames(trained, names, job_.store));
  QH_ASSIGN_OR_RETURN(const auto own_ids, session_.OwnedOriginalIds());
  QH_ASSIGN_OR_RETURN(const std::string rest,
                      ImportWeights(job_.init, own_ids, session_.store().num_nodes(),
                                    session_.context().comm, session_.model()));
  if (!rest.empty()) display_.Say(rest);
  display_.Say(absl::StrCat("nodes of any part of split ", session_.split(), " of ", job_.store,
                            " may be among those that ", job_.init, " was trained on"));
  return absl::OkStatus();
}

absl::Status Trainer::BeginRecords() {
  QH_ASSIGN_OR_RETURN(const JsonObject machine, DescribeMachine(session_.context()));
  if (folder_ == nullptr) return absl::OkStatus();
  if (!job_.init.empty() && position_.step() == 0)
    QH_RETURN_IF_ERROR(folder_->WriteInit(job_.init));
  folder_->WriteMachine(machine);
  QH_RETURN_IF_ERROR(folder_->BeginEvents(position_.step()));
  sign_ = std::make_unique<SignOfLife>(RunAlivePath(job_.run), session_.context().progress);
  return absl::OkStatus();
}

absl::StatusOr<bool> Trainer::TrainEpoch(int64_t epoch) {
  // Rank 0 writes files between epochs: waiting for it is not part of an epoch.
  QH_RETURN_IF_ERROR(session_.context().comm.Barrier("begin of an epoch"));
  EpochProgress& done = *position_.mutable_under_way();
  const EpochClock clock(session_.loader(), session_.model(), done);
  QH_RETURN_IF_ERROR(StartBatches(epoch));
  while (done.steps() != last_step_) {
    QH_ASSIGN_OR_RETURN(const Batch* batch, session_.loader().Next());
    if (batch == nullptr) break;
    session_.context().progress.Set("training", position_.step());
    QH_RETURN_IF_ERROR(faults_.At(FailAt::TRAINING_STEP, position_.step()));
    QH_RETURN_IF_ERROR(TrainStep(*batch));
    pipeline_ = clock.Record(done);
    QH_RETURN_IF_ERROR(AfterStep());
    display_.Show(View(epoch));
  }
  if (last_step_ >= 0) return true;
  QH_ASSIGN_OR_RETURN(const Requests agreed,
                      agreement_->Settle({StopRequested(), checkpointing_->DueByTime()}));
  due_by_time_ |= agreed.checkpoint;
  return agreed.stop;
}

absl::Status Trainer::StartBatches(int64_t epoch) {
  Pass pass;
  pass.batch = config_.batch();
  pass.epoch = epoch;
  pass.first_step = position_.under_way().steps();
  QH_RETURN_IF_ERROR(session_.loader().Start(pass));
  steps_per_epoch_ = session_.loader().num_steps();
  last_step_ = -1;
  pipeline_ = {};
  return absl::OkStatus();
}

TrainingView Trainer::View(int64_t epoch) const {
  const EpochProgress& done = position_.under_way();
  TrainingView view;
  view.epoch = epoch;
  view.epochs = config_.epochs();
  view.evaluations_left = EvaluationsFrom(epoch, config_);
  view.step = done.steps();
  view.steps = steps_per_epoch_;
  view.loss = MeanLoss(done);
  view.valid = last_valid_;
  view.seconds = done.seconds();
  view.nodes = done.nodes();
  view.evaluation_seconds = evaluation_seconds_;
  view.waits = {pipeline_.seconds, pipeline_.batches.exposed_seconds,
                absl::ToDoubleSeconds(pipeline_.waited_for_sums)};
  return view;
}

absl::Status Trainer::TrainStep(const Batch& batch) {
  const int64_t step = position_.step();
  LargeGT& model = session_.model();
  backup_.Take();
  QH_ASSIGN_OR_RETURN(double loss, model.ComputeGradients(batch));
  loss = faults_.Loss(loss, step);
  const std::vector<std::string> bad = BadGradients(model);
  if (!std::isfinite(loss) || !bad.empty()) return HandleBadStep(batch, loss, bad);
  const int64_t num_steps = steps_per_epoch_ * config_.epochs();
  const double learning_rate = LearningRate(config_, step, num_steps);
  adam_.Apply(session_.kernels(), learning_rate, model.parameters());
  EpochProgress& done = *position_.mutable_under_way();
  done.set_loss_sum(done.loss_sum() + loss * static_cast<double>(batch.global_nodes));
  done.set_nodes(done.nodes() + batch.global_nodes);
  done.set_steps(done.steps() + 1);
  position_.set_step(step + 1);
  if (step % config_.log_every_steps() == 0) {
    Log(JsonObject()
            .Add("event", "step")
            .Add("step", step)
            .Add("epoch", batch.epoch)
            .Add("loss", loss)
            .Add("learning_rate", learning_rate));
  }
  const int32_t every = config_.replica_check_every_steps();
  return every > 0 && (step + 1) % every == 0 ? CheckReplicas() : absl::OkStatus();
}

absl::Status Trainer::HandleBadStep(const Batch& batch, double loss,
                                    const std::vector<std::string>& tensors) {
  const int64_t step = position_.step();
  QH_RETURN_IF_ERROR(backup_.Undo(batch));
  QH_ASSIGN_OR_RETURN(const JsonObject report, DescribeBadStep(session_, batch, loss, tensors));
  Log(report);
  const std::string what =
      absl::StrCat("step ", step, ": the loss is ", loss, ", and the gradient is not finite in ",
                   Counted(static_cast<int64_t>(tensors.size()), "tensor"),
                   tensors.empty() ? "" : absl::StrCat(", first ", tensors[0]));
  if (position_.skipped_steps() < config_.bad_steps_allowed()) {
    position_.set_skipped_steps(position_.skipped_steps() + 1);
    position_.set_step(step + 1);
    position_.mutable_under_way()->set_steps(position_.under_way().steps() + 1);
    if (folder_ != nullptr)
      PrintWarning(absl::StrCat(what, "; the step is left out (", position_.skipped_steps(), " of ",
                                config_.bad_steps_allowed(), " allowed)"));
    return absl::OkStatus();
  }
  QH_RETURN_IF_ERROR(checkpointing_->Write(adam_, position_, /*best=*/false));
  const absl::Status written = checkpointing_->Finish();
  const std::string saved =
      written.ok() ? absl::StrCat("; the state before it is in ", CheckpointPath(job_.run, step))
                   : absl::StrCat("; ", std::string(written.message()));
  if (folder_ != nullptr) QH_RETURN_IF_ERROR(folder_->WriteBadStep(report));
  return absl::InternalError(
      absl::StrCat(what, "; its nodes are in ", RunBadStepPath(job_.run), saved,
                   ": lower train.learning_rate, set train.clip_norm, or leave such steps out with "
                   "train.bad_steps_allowed"));
}

absl::Status Trainer::AfterStep() {
  const int64_t done = position_.under_way().steps();
  QH_RETURN_IF_ERROR(checkpointing_->Collect());
  QH_ASSIGN_OR_RETURN(const Requests agreed,
                      agreement_->Exchange({StopRequested(), checkpointing_->DueByTime()}));
  if (agreed.stop && last_step_ < 0) last_step_ = session_.EndPassAfter(done);
  // At the end of an epoch, EndEpoch or Stop writes it.
  const bool at_end = done == steps_per_epoch_ || done == last_step_;
  const int64_t step = position_.step();
  // A request that is read in the step after a write was posted before that write.
  due_by_time_ |= agreed.checkpoint && !checkpointing_->WroteAfter(step - 1);
  if (at_end || !(due_by_time_ || checkpointing_->DueAfterStep(step))) return absl::OkStatus();
  due_by_time_ = false;
  return checkpointing_->Write(adam_, position_, /*best=*/false);
}

absl::Status Trainer::CheckReplicas() {
  return CheckReplicasAgree(session_.context().comm,
                            absl::StrCat("the weights after step ", position_.step()),
                            session_.model().ReplicaHash());
}

absl::Status Trainer::EndEpoch(int64_t epoch) {
  session_.context().progress.Set("evaluating", position_.step());
  if (folder_ != nullptr) QH_RETURN_IF_ERROR(folder_->CheckIsThere());
  QH_ASSIGN_OR_RETURN(
      const PipelineReport loading,
      PipelineReport::Combine(session_.context().comm, pipeline_, position_.under_way().seconds()));
  std::optional<EpochEvaluation> evaluation;
  if (IsEvaluated(epoch, config_)) {
    if (std::exchange(due_by_time_, false))
      QH_RETURN_IF_ERROR(checkpointing_->Write(adam_, position_, /*best=*/false));
    QH_RETURN_IF_ERROR(faults_.At(FailAt::EVALUATION, position_.step()));
    QH_ASSIGN_OR_RETURN(evaluation, Evaluate(epoch));
  }
  Report(epoch, loading, evaluation);
  position_.set_epoch(epoch);
  position_.add_epoch_seconds(loading.epoch_seconds());
  position_.clear_under_way();
  const bool best = evaluation.has_value() && evaluation->best();
  const bool due = std::exchange(due_by_time_, false) || checkpointing_->DueAfterEpoch(epoch) ||
                   checkpointing_->DueAfterStep(position_.step());
  if (!best && !due && !IsTrained(config_, position_)) return absl::OkStatus();
  return checkpointing_->Write(adam_, position_, best);
}

absl::StatusOr<EpochEvaluation> Trainer::Evaluate(int64_t epoch) {
  const auto is_to_stop = [this]() -> absl::StatusOr<bool> {
    QH_ASSIGN_OR_RETURN(const Requests agreed,
                        agreement_->Exchange({StopRequested(), /*checkpoint=*/false}));
    return agreed.stop;
  };
  QH_ASSIGN_OR_RETURN(const EpochEvaluation evaluation,
                      EpochEvaluation::Of(session_, position_.best_valid(), is_to_stop));
  evaluation.Note(epoch, position_);
  last_valid_ = evaluation.valid();
  evaluation_seconds_ = evaluation.seconds();
  if (evaluation.best() && folder_ != nullptr)
    folder_->WriteEvaluation(evaluation.Detail(session_, epoch));
  return evaluation;
}

void Trainer::Report(int64_t epoch, const PipelineReport& loading,
                     const std::optional<EpochEvaluation>& evaluation) {
  const EpochProgress& trained = position_.under_way();
  const double train_loss = MeanLoss(trained);
  const double seconds = loading.epoch_seconds();
  const double rate = static_cast<double>(trained.nodes()) / seconds;
  JsonObject event;
  event.Add("event", "epoch").Add("epoch", epoch).Add("train_loss", train_loss);
  if (evaluation.has_value()) evaluation->AddTo(event);
  event.Add("after_step", position_.step())
      .Add("seconds", seconds)
      .Add("train_nodes_per_second", rate)
      .Add("exposed_wait_seconds", trained.exposed_wait_seconds());
  loading.AddTo(event);
  Log(event);
  display_.Say(absl::StrFormat("epoch %d/%d  loss %s%s  %.2f s  %.0f nodes/s  %s%s", epoch,
                               config_.epochs(), LossText(train_loss),
                               evaluation.has_value() ? evaluation->Text(position_) : "", seconds,
                               rate, Bottleneck(loading.waits()), checkpointing_->Warning()));
  WarnOfDivergence(train_loss);
  AdviseOnEvaluation(epoch, seconds);
}

void Trainer::AdviseOnEvaluation(int64_t epoch, double epoch_seconds) {
  if (epoch == config_.eval_every_epochs() && evaluation_seconds_ > epoch_seconds &&
      evaluation_seconds_ > kLongEvaluationSeconds &&
      config_.evaluate_test() == TrainConfig::ALWAYS)
    display_.Say(absl::StrFormat(
        "an evaluation takes %.0f s, longer than an epoch's training: "
        "--set train.evaluate_test=WHEN_BETTER, or a larger train.eval_every_epochs, saves time",
        evaluation_seconds_));
}

void Trainer::WarnOfDivergence(double train_loss) {
  const StoreManifest& manifest = session_.store().manifest();
  const double of_guessing = std::log(manifest.multi_label() ? 2 : std::max(2, manifest.classes()));
  const bool was_diverged = diverged_;
  diverged_ = train_loss > kDivergedLosses * of_guessing && train_loss > least_loss_;
  least_loss_ = std::fmin(least_loss_, train_loss);
  if (!diverged_ || was_diverged) return;
  display_.Say(
      absl::StrFormat("the training diverges: its loss is %s, where guessing gives %s; lower "
                      "train.learning_rate, or set train.clip_norm or train.warmup_steps",
                      LossText(train_loss), LossText(of_guessing)));
}

bool Trainer::StopRequested() const { return job_.stop != nullptr && job_.stop->Requested(); }

void Trainer::Log(const JsonObject& event) {
  if (folder_ != nullptr) folder_->Log(event);
}

absl::StatusOr<ExitCode> Trainer::Stop() {
  session_.context().progress.Set("writing a checkpoint before it stops", position_.step());
  QH_RETURN_IF_ERROR(checkpointing_->Write(adam_, position_, /*best=*/false));
  QH_RETURN_IF_ERROR(checkpointing_->Finish());
  if (folder_ != nullptr) {
    Log(JsonObject().Add("event", "stop").Add("after_step", position_.step()));
    display_.Say(absl::StrFormat("stopped after step %d, as asked; carry on with --resume",
                                 position_.step()));
    sign_->End("stopped");
  }
  QH_RETURN_IF_ERROR(session_.context().comm.Barrier("end of the run"));
  return ExitCode::kResumable;
}

absl::Status Trainer::Finish() {
  if (position_.epoch() < config_.epochs())
    display_.Say(absl::StrFormat(
        "ended after epoch %d of %d: no improvement in %d evaluations (train.patience)",
        position_.epoch(), config_.epochs(), position_.evaluations_without_better()));
  session_.context().progress.Set("finishing", position_.step());
  QH_RETURN_IF_ERROR(CheckReplicas());
  QH_RETURN_IF_ERROR(checkpointing_->Finish());
  QH_RETURN_IF_ERROR(SummarizeRun(session_, position_, diverged_, folder_.get(),
                                  checkpointing_->num_failed(), display_));
  if (sign_ != nullptr) sign_->End("finished");
  return session_.context().comm.Barrier("end of the run");
}

}  // namespace quadhop
