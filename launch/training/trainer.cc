#include "launch/training/trainer.h"

#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "comm/replica_check.h"
#include "core/counted.h"
#include "core/file.h"
#include "core/status.h"
#include "core/stopwatch.h"
#include "launch/config/backends.h"
#include "launch/config/model_options.h"
#include "launch/ranks/agreed_status.h"
#include "launch/ranks/faulty_communicator.h"
#include "launch/ranks/gpus.h"
#include "launch/results/metrics.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_machine.h"
#include "launch/training/run_summary.h"
#include "model/checkpoint/checkpoint_transfer.h"

namespace quadhop {
namespace {

// Of a rank: more of them cost a step more than the rest of a small model (docs/performance.md).
constexpr int64_t kManyPartitions = 256;
// Shorter ones are not worth a word.
constexpr double kLongEvaluationSeconds = 5;

// Over the nodes trained on; not a number while all steps were left out.
double MeanLoss(const EpochProgress& progress) {
  if (progress.nodes() == 0) return std::nan("");
  return progress.loss_sum() / static_cast<double>(progress.nodes());
}

// Asked before the folder of a run that is there is touched.
absl::Status CheckTrainingNodes(Session& session) {
  const int64_t nodes = session.loader().NumLabelled(SplitPart::kTrain);
  if (nodes >= kLeastTrainingNodes) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "split ", session.split(), " of ", session.store().path(), " has ",
      Counted(nodes, "labelled training node"), ", and a step takes ", kLeastTrainingNodes,
      " at least: choose another with --split, or label more of its training nodes"));
}

// "CPUs", or "GPUs (NVIDIA H200)", of which ranks may have several kinds: this one's.
std::string Processors(const Session& session) {
  if (session.config().model().backend() != ModelConfig::CUDA) return "CPUs";
  return absl::StrCat("GPUs (", GpuName(session.context().local_rank), ")");
}

// A run keeps the backend that it began with. Rank 0 has its folder.
absl::Status TakeBackendOfRun(const RankContext& context, TrainJob* job) {
  if (job->start != RunFolder::Start::kResume || !LeavesBackendOpen(job->config))
    return absl::OkStatus();
  ModelConfig::Backend backend = ModelConfig::AUTO;
  if (context.IsMain() && FileExists(RunConfigPath(job->run))) {
    QH_ASSIGN_OR_RETURN(const Config began, ReadRunConfig(job->run));
    backend = began.model().backend();
  }
  QH_RETURN_IF_ERROR(context.comm.Broadcast(
      "backend of the run", Rank(0), {reinterpret_cast<uint8_t*>(&backend), sizeof(backend)}));
  job->config.mutable_model()->set_backend(backend);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> Train(const TrainJob& asked, const RankContext& context) {
  TrainJob job = asked;
  QH_RETURN_IF_ERROR(AgreeOnStatus(
      context.comm, "look for the run",
      context.IsMain() ? RunFolder::CheckStart(job.run, job.start) : absl::OkStatus()));
  QH_RETURN_IF_ERROR(TakeBackendOfRun(context, &job));
  Faults faults(job.config.train().fail_at(), context.comm.rank());
  const std::unique_ptr<Communicator> comm = WithFaults(context.comm, faults, context.standing);
  const RankContext with_faults{*comm, context.pool, context.standing, context.ranks_on_host,
                                context.local_rank};
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                      Session::Create(job.store, job.split, job.config, with_faults));
  QH_RETURN_IF_ERROR(AgreeOnStatus(*comm, "count training nodes", CheckTrainingNodes(*session)));
  return Trainer(job, *session, faults).Run();
}

Trainer::Trainer(const TrainJob& job, Session& session, Faults& faults)
    : job_(job),
      config_(job.config.train()),
      session_(session),
      adam_({config_.weight_decay(), config_.clip_norm()}, session.model().parameters()),
      faults_(faults),
      backup_(session),
      display_(session.context().IsMain(), job.log) {}

absl::StatusOr<ExitCode> Trainer::Run() {
  QH_ASSIGN_OR_RETURN(const bool taken, TakeFolder());
  if (!taken) return ExitCode::kResumable;
  QH_RETURN_IF_ERROR(Begin());
  if (was_finished_) return ExitCode::kDone;
  while (!IsDone()) {
    const int64_t epoch = position_.epoch() + 1;
    QH_ASSIGN_OR_RETURN(const bool stop, TrainEpoch(epoch));
    if (stop) return Stop();
    QH_RETURN_IF_ERROR(EndEpoch(epoch));
  }
  if (position_.epoch() < config_.epochs())
    display_.Say(absl::StrFormat(
        "ended after epoch %d of %d: no better in %d evaluations (train.patience)",
        position_.epoch(), config_.epochs(), position_.evaluations_without_better()));
  QH_RETURN_IF_ERROR(Finish());
  return ExitCode::kDone;
}

// Rank 0 has the folder; the others learn by the broadcast's failure if it is refused.
absl::StatusOr<bool> Trainer::TakeFolder() {
  uint8_t stopped = 0;
  if (session_.context().IsMain()) {
    absl::StatusOr<std::unique_ptr<RunFolder>> folder =
        RunFolder::Create(job_.run, job_.start,
                          {.config = WithBackendsOf(session_.config(), job_.config),
                           .store = job_.store,
                           .manifest = session_.store().manifest(),
                           .split = session_.split()},
                          job_.stop);
    stopped = absl::IsCancelled(folder.status());
    if (stopped != 0) {
      display_.Say(folder.status().message());
    } else {
      QH_ASSIGN_OR_RETURN(folder_, std::move(folder));
    }
  }
  QH_RETURN_IF_ERROR(session_.context().comm.Broadcast("begin of the run", Rank(0), {&stopped, 1}));
  return stopped == 0;
}

absl::Status Trainer::Begin() {
  position_.set_best_valid(-1);
  position_.set_split(session_.split());
  if (folder_ != nullptr) {
    if (job_.log == LogStyle::kJson) folder_->EchoTo(stdout, job_.repetition);
    const StoreManifest& manifest = session_.store().manifest();
    display_.Say(absl::StrFormat(
        "training on %s: %d nodes, %d arcs, %d classes, split %s, %s, %s, "
        "%d parameters, on %s",
        session_.store().path(), manifest.nodes(), manifest.arcs(), manifest.classes(),
        session_.split(), Counted(session_.store().num_partitions(), "partition"),
        Counted(session_.context().comm.num_ranks(), "rank"),
        ParameterSet::NumTrained(session_.model().options()), Processors(session_)));
    const int64_t partitions =
        NumBlocks(session_.store().num_partitions(), session_.context().comm.num_ranks());
    if (partitions >= kManyPartitions)
      display_.Say(absl::StrFormat(
          "a rank has %d partitions, and adds the gradients of each apart in every step: fewer "
          "(quadhop partition --parts) take less time and memory",
          partitions));
    if (session_.loader().NumLabelled(SplitPart::kValid) == 0)
      display_.Say(absl::StrFormat(
          "split %s has no labelled validation nodes: the last epoch will be the result",
          session_.split()));
  }
  Communicator& comm = session_.context().comm;
  QH_ASSIGN_OR_RETURN(agreement_, StepAgreement::Create(comm));
  QH_ASSIGN_OR_RETURN(checkpointing_,
                      Checkpointing::Create(job_, session_, adam_, folder_.get(), faults_));
  if (!job_.init.empty()) {
    QH_ASSIGN_OR_RETURN(const auto own_ids, session_.OwnedOriginalIds());
    QH_ASSIGN_OR_RETURN(
        const std::string rest,
        ImportWeights(job_.init, own_ids, session_.store().num_nodes(), comm, session_.model()));
    if (!rest.empty()) display_.Say(rest);
  }
  QH_ASSIGN_OR_RETURN(const JsonObject machine, DescribeMachine(session_.context()));
  QH_RETURN_IF_ERROR(job_.start == RunFolder::Start::kResume ? Resume()
                     : folder_ != nullptr                    ? folder_->Begin()
                                                             : absl::OkStatus());
  if (folder_ == nullptr || was_finished_) return absl::OkStatus();
  folder_->WriteMachine(machine);
  QH_RETURN_IF_ERROR(folder_->BeginEvents(position_.step()));
  sign_ = std::make_unique<SignOfLife>(RunAlivePath(job_.run), session_.context().standing);
  return absl::OkStatus();
}

absl::Status Trainer::Resume() {
  // Rank 0 looks for the checkpoint to take; the others read what it found.
  NewestIntact newest;
  if (folder_ != nullptr) {
    QH_RETURN_IF_ERROR(RestoreReplaced(job_.run));
    QH_RETURN_IF_ERROR(ReplaceCopiesByLinks(job_.run));
    QH_ASSIGN_OR_RETURN(newest, FindNewestIntact(job_.run));
    for (const std::string& damage : newest.damaged)
      absl::FPrintF(stderr, "quadhop: warning: a checkpoint is passed over: %s\n", damage);
  }
  int64_t found[] = {newest.step, folder_ != nullptr && FileExists(RunSummaryPath(job_.run))};
  QH_RETURN_IF_ERROR(session_.context().comm.Broadcast(
      "checkpoint to resume from", Rank(0), {reinterpret_cast<uint8_t*>(found), sizeof(found)}));
  newest.step = found[0];
  if (newest.step >= 0) QH_RETURN_IF_ERROR(TakeUp(CheckpointPath(job_.run, newest.step)));
  was_finished_ = found[1] != 0 && IsDone();
  if (was_finished_)
    display_.Say(absl::StrFormat("%s is finished after epoch %d: there is nothing to carry on",
                                 job_.run, position_.epoch()));
  if (folder_ == nullptr || was_finished_) return absl::OkStatus();
  // The checkpoint is accepted: from here on the run changes.
  for (const std::string& change : folder_->changes())
    display_.Say(absl::StrCat("changed since the run began: ", change));
  if (newest.step >= 0)
    display_.Say(
        absl::StrFormat("resuming after epoch %d, step %d", position_.epoch(), position_.step()));
  QH_RETURN_IF_ERROR(folder_->Begin());
  QH_RETURN_IF_ERROR(CarryOnFrom(job_.run, newest.step));
  return folder_->DropMetricsAfter(position_.step(), position_.epoch());
}

absl::Status Trainer::TakeUp(const std::string& checkpoint) {
  QH_ASSIGN_OR_RETURN(position_, ReadCheckpoint(session_.Subject(&adam_), checkpoint));
  if (position_.split() == session_.split()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the run was begun with --split ", position_.split(), ", now it is ",
                   session_.split(), ": resume with the former, or begin another --run"));
}

absl::StatusOr<bool> Trainer::TrainEpoch(int64_t epoch) {
  BatchLoader& loader = session_.loader();
  // Rank 0 has files to write between epochs: waiting for it is no part of one.
  QH_RETURN_IF_ERROR(session_.context().comm.Barrier("begin of an epoch"));
  const Stopwatch watch;
  EpochProgress& done = *position_.mutable_under_way();
  const int64_t steps_before = done.steps();
  const double seconds_before = done.seconds(), waited_before = done.exposed_wait_seconds();
  Pass pass;
  pass.batch = config_.batch();
  pass.epoch = epoch;
  pass.first_step = done.steps();
  QH_RETURN_IF_ERROR(loader.Start(pass));
  steps_per_epoch_ = loader.num_steps();
  last_step_ = -1;
  pipeline_ = {};
  const absl::Duration time_waited_before = session_.model().time_waited();
  while (done.steps() != last_step_) {
    QH_ASSIGN_OR_RETURN(const Batch* batch, loader.Next());
    if (batch == nullptr) break;
    session_.context().standing.Set("training", position_.step());
    QH_RETURN_IF_ERROR(faults_.At(FailAt::TRAINING_STEP, position_.step()));
    QH_RETURN_IF_ERROR(TrainStep(*batch));
    // Waits up to here are part of the seconds up to here.
    pipeline_ = {loader.stats(), session_.model().time_waited() - time_waited_before,
                 done.steps() - steps_before, watch.Seconds()};
    done.set_seconds(seconds_before + pipeline_.seconds);
    done.set_exposed_wait_seconds(waited_before + pipeline_.batches.exposed_wait_seconds());
    QH_RETURN_IF_ERROR(AgreeAfterStep(done.steps(), steps_per_epoch_));
    display_.Show(View(epoch));
  }
  if (last_step_ >= 0) return true;
  QH_ASSIGN_OR_RETURN(const Wishes agreed,
                      agreement_->Settle({StopRequested(), checkpointing_->DueByTime()}));
  due_by_time_ |= agreed.checkpoint;
  return agreed.stop;
}

TrainingView Trainer::View(int64_t epoch) const {
  const EpochProgress& done = position_.under_way();
  TrainingView view;
  view.epoch = epoch;
  view.epochs = config_.epochs();
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
  adam_.Apply(session_.kernels(), LearningRate(config_, step, num_steps), model.parameters());
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
            .Add("loss", loss));
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
      absl::FPrintF(stderr, "quadhop: warning: %s; the step is left out (%d of %d allowed)\n", what,
                    position_.skipped_steps(), config_.bad_steps_allowed());
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

absl::Status Trainer::AgreeAfterStep(int64_t done, int64_t num_steps) {
  QH_RETURN_IF_ERROR(checkpointing_->Collect());
  QH_ASSIGN_OR_RETURN(const Wishes agreed,
                      agreement_->Exchange({StopRequested(), checkpointing_->DueByTime()}));
  // The exchange of features runs ahead: this is the first step that no rank can have begun with.
  if (agreed.stop && last_step_ < 0) {
    last_step_ = std::min(num_steps, done + job_.config.sampler().prefetch_steps() + 1);
    session_.loader().EndBefore(last_step_);
  }
  // At the end of an epoch, EndEpoch or Stop writes it.
  const bool at_end = done == num_steps || done == last_step_;
  const int64_t step = position_.step();
  // A wish read after a write was posted before it.
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

absl::Status Trainer::EndEpoch(int64_t number) {
  session_.context().standing.Set("evaluating", position_.step());
  QH_RETURN_IF_ERROR(faults_.At(FailAt::EVALUATION, position_.step()));
  const EpochProgress trained = position_.under_way();
  const double train_loss = MeanLoss(trained);
  QH_ASSIGN_OR_RETURN(
      const PipelineReport loading,
      PipelineReport::Combine(session_.context().comm, pipeline_, trained.seconds()));
  const double seconds = loading.epoch_seconds();
  const double rate = static_cast<double>(trained.nodes()) / seconds;
  JsonObject event;
  event.Add("event", "epoch").Add("epoch", number).Add("train_loss", train_loss);
  std::string line =
      absl::StrFormat("epoch %d/%d  loss %.4f", number, config_.epochs(), train_loss);
  bool better = false;
  if (number % config_.eval_every_epochs() == 0 || number == config_.epochs()) {
    QH_ASSIGN_OR_RETURN(better, Evaluate(number, event, line));
  }
  event.Add("after_step", position_.step())
      .Add("seconds", seconds)
      .Add("train_nodes_per_second", rate)
      .Add("exposed_wait_seconds", trained.exposed_wait_seconds());
  loading.AddTo(event);
  position_.set_epoch(number);
  position_.add_epoch_seconds(seconds);
  position_.clear_under_way();
  Log(event);
  display_.Say(absl::StrFormat("%s  %.2f s  %.0f nodes/s  %s%s", line, seconds, rate,
                               Bottleneck(loading.waits()), checkpointing_->Warning()));
  if (number == config_.eval_every_epochs() && evaluation_seconds_ > seconds &&
      evaluation_seconds_ > kLongEvaluationSeconds &&
      config_.evaluate_test() == TrainConfig::ALWAYS)
    display_.Say(absl::StrFormat(
        "an evaluation takes %.0f s, longer than an epoch's training: "
        "--set train.evaluate_test=WHEN_BETTER, or a larger train.eval_every_epochs, saves time",
        evaluation_seconds_));
  const bool due = std::exchange(due_by_time_, false) || checkpointing_->DueAfterEpoch(number) ||
                   checkpointing_->DueAfterStep(position_.step());
  if (!better && !due && !IsDone()) return absl::OkStatus();
  return checkpointing_->Write(adam_, position_, better);
}

absl::StatusOr<bool> Trainer::Evaluate(int64_t epoch, JsonObject& event, std::string& line) {
  const Stopwatch watch;
  std::map<SplitPart, EvaluationDetail> details;
  QH_ASSIGN_OR_RETURN(auto metrics, EvaluateParts(session_, {SplitPart::kValid}, &details));
  const PartMetrics valid = metrics.at(SplitPart::kValid);
  // Without validation nodes the last epoch is the result.
  const bool better = valid.nodes == 0 || valid.selected() > position_.best_valid();
  if (better || config_.evaluate_test() == TrainConfig::ALWAYS) {
    QH_ASSIGN_OR_RETURN(auto of_test, EvaluateParts(session_, {SplitPart::kTest}, &details));
    metrics.merge(of_test);
  }
  evaluation_seconds_ = watch.Seconds();
  last_valid_ = valid.selected();
  if (better) KeepBest(epoch, metrics);
  if (better) QH_RETURN_IF_ERROR(WriteEvaluation(epoch, details));
  position_.set_evaluations_without_better(better ? 0 : position_.evaluations_without_better() + 1);
  for (const auto& [part, of_part] : metrics) {
    for (const auto& [name, value] : of_part.Named(part)) event.Add(name, value);
    absl::StrAppend(&line, "  ", PartName(part), " ", FigureText(of_part.selected()));
  }
  event.Add("evaluation_seconds", evaluation_seconds_);
  if (valid.nodes > 0)
    absl::StrAppendFormat(&line, "  best %s (epoch %d)", FigureText(position_.best_test()),
                          position_.best_epoch());
  return better;
}

void Trainer::KeepBest(int64_t epoch, const std::map<SplitPart, PartMetrics>& metrics) {
  position_.set_best_valid(metrics.at(SplitPart::kValid).selected());
  position_.set_best_test(metrics.at(SplitPart::kTest).selected());
  position_.set_best_epoch(epoch);
  position_.clear_best_metrics();
  for (const auto& [part, of_part] : metrics) {
    for (const auto& [name, value] : of_part.Named(part)) {
      NamedMetric* metric = position_.add_best_metrics();
      metric->set_name(name);
      metric->set_value(value);
    }
  }
}

absl::Status Trainer::WriteEvaluation(int64_t epoch,
                                      std::map<SplitPart, EvaluationDetail>& details) {
  for (auto& [part, detail] : details) QH_RETURN_IF_ERROR(detail.Sum(session_.context().comm));
  if (folder_ == nullptr) return absl::OkStatus();
  JsonObject evaluation;
  evaluation.Add("epoch", epoch).Add("split", session_.split());
  for (const auto& [part, detail] : details)
    evaluation.AddJson(PartName(part), detail.ToJson().ToString());
  if (Codebook* const book = session_.model().codebook())
    evaluation.AddJson("codebook_counts",
                       absl::StrCat("[", absl::StrJoin(book->counts(), ","), "]"));
  folder_->WriteEvaluation(evaluation);
  return absl::OkStatus();
}

bool Trainer::IsDone() const {
  const bool out_of_patience =
      config_.patience() > 0 && position_.evaluations_without_better() >= config_.patience();
  return position_.epoch() >= config_.epochs() || out_of_patience;
}

bool Trainer::StopRequested() const { return job_.stop != nullptr && job_.stop->Requested(); }

void Trainer::Log(const JsonObject& event) {
  if (folder_ != nullptr) folder_->Log(event);
}

absl::StatusOr<ExitCode> Trainer::Stop() {
  session_.context().standing.Set("writing a checkpoint before it stops", position_.step());
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
  session_.context().standing.Set("finishing", position_.step());
  QH_RETURN_IF_ERROR(CheckReplicas());
  QH_RETURN_IF_ERROR(checkpointing_->Finish());
  QH_RETURN_IF_ERROR(
      SummarizeRun(session_, position_, folder_.get(), checkpointing_->num_failed(), display_));
  if (sign_ != nullptr) sign_->End("finished");
  return session_.context().comm.Barrier("end of the run");
}

}  // namespace quadhop
