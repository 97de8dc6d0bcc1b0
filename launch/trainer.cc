#include "launch/trainer.h"

#include <absl/strings/str_format.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "comm/gather.h"
#include "comm/replica_check.h"
#include "core/status.h"
#include "launch/metrics.h"
#include "launch/model_options.h"
#include "launch/progress.h"

namespace quadhop {
namespace {

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

int64_t PeakRssBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

// The largest of one value a rank.
absl::StatusOr<int64_t> LargestOverRanks(Communicator& comm, int64_t mine) {
  std::vector<int64_t> all(static_cast<size_t>(comm.num_ranks()));
  all[static_cast<size_t>(comm.rank().value())] = mine;
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "peak memory", absl::MakeSpan(all)));
  return *std::max_element(all.begin(), all.end());
}

}  // namespace

absl::StatusOr<ExitCode> Train(const TrainJob& job, const RankContext& context) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                      Session::Create(job.store, job.split, job.config, context));
  QH_RETURN_IF_ERROR(Trainer(job, *session).Run());
  return ExitCode::kDone;
}

Trainer::Trainer(const TrainJob& job, Session& session)
    : job_(job),
      config_(job.config.train()),
      session_(session),
      adam_({config_.weight_decay(), config_.clip_norm()},
            session.model().parameters().num_trained()) {}

absl::Status Trainer::Run() {
  QH_RETURN_IF_ERROR(Begin());
  for (int64_t epoch = position_.epoch() + 1; epoch <= config_.epochs(); ++epoch) {
    QH_ASSIGN_OR_RETURN(const Epoch trained, TrainEpoch(epoch));
    QH_RETURN_IF_ERROR(EvaluateEpoch(epoch, trained));
    if (OutOfPatience()) break;
  }
  return Finish();
}

absl::Status Trainer::Begin() {
  position_.set_best_valid(-1);
  // Rank 0 makes the folder; the others learn by the barrier's failure if it could not.
  if (session_.context().IsMain()) {
    QH_ASSIGN_OR_RETURN(folder_, RunFolder::Create(job_.run, job_.start, job_.config, job_.store));
    const StoreManifest& manifest = session_.store().manifest();
    absl::PrintF(
        "training on %s: %d nodes, %d arcs, %d classes, split %s, %d partitions, %d ranks, "
        "%d parameters\n",
        session_.store().path(), manifest.nodes(), manifest.arcs(), manifest.classes(),
        session_.split(), session_.store().num_partitions(), session_.context().comm.num_ranks(),
        session_.model().parameters().num_trained());
    std::fflush(stdout);
  }
  QH_RETURN_IF_ERROR(session_.context().comm.Barrier("begin of the run"));
  if (!job_.init.empty())
    QH_RETURN_IF_ERROR(ReadWeights(job_.init, /*all_required=*/false, session_.model()));
  return job_.start == RunFolder::Start::kResume ? Resume() : absl::OkStatus();
}

absl::Status Trainer::Resume() {
  const std::vector<int64_t> steps = ListCheckpointSteps(job_.run);
  if (steps.empty()) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(
      position_, ReadCheckpoint(session_.Subject(&adam_), CheckpointPath(job_.run, steps.back())));
  if (folder_ == nullptr) return absl::OkStatus();
  absl::PrintF("resuming after epoch %d, step %d\n", position_.epoch(), position_.step());
  return folder_->DropMetricsAfter(position_.step(), position_.epoch());
}

absl::StatusOr<Trainer::Epoch> Trainer::TrainEpoch(int64_t number) {
  BatchLoader& loader = session_.loader();
  const absl::Time start = absl::Now();
  Epoch epoch;
  Pass pass;
  pass.batch = config_.batch();
  pass.epoch = number;
  QH_RETURN_IF_ERROR(loader.Start(pass));
  steps_per_epoch_ = loader.num_steps();
  Progress progress({.label = absl::StrCat("epoch ", number, "/", config_.epochs()),
                     .total = steps_per_epoch_,
                     .unit = "steps",
                     .enabled = session_.context().IsMain()});
  for (int64_t done = 1;; ++done) {
    QH_ASSIGN_OR_RETURN(const Batch* batch, loader.Next());
    if (batch == nullptr) break;
    QH_RETURN_IF_ERROR(TrainStep(*batch, epoch));
    progress.Update(done,
                    absl::StrFormat("loss %.4f", epoch.loss / static_cast<double>(epoch.nodes)));
  }
  epoch.loss /= static_cast<double>(epoch.nodes);
  epoch.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  epoch.exposed_wait_seconds = loader.exposed_wait_seconds();
  return epoch;
}

absl::Status Trainer::TrainStep(const Batch& loaded, Epoch& epoch) {
  const int64_t step = position_.step();
  LargeGT& model = session_.model();
  QH_ASSIGN_OR_RETURN(const double loss, model.ComputeGradients(loaded));
  if (!std::isfinite(loss))
    return absl::InternalError(absl::StrCat("the loss of step ", step, " is ", loss,
                                            ": lower train.learning_rate, or set train.clip_norm"));
  const int64_t num_steps = steps_per_epoch_ * config_.epochs();
  adam_.Apply(session_.kernels(), LearningRate(config_, step, num_steps), model.parameters());
  epoch.loss += loss * static_cast<double>(loaded.global_nodes);
  epoch.nodes += loaded.global_nodes;
  position_.set_step(step + 1);
  if (folder_ != nullptr && step % config_.log_every_steps() == 0) {
    QH_RETURN_IF_ERROR(folder_->AppendMetrics(JsonObject()
                                                  .Add("event", "step")
                                                  .Add("step", step)
                                                  .Add("epoch", loaded.epoch)
                                                  .Add("loss", loss)));
  }
  const int32_t every = config_.replica_check_every_steps();
  return every > 0 && (step + 1) % every == 0 ? CheckReplicas() : absl::OkStatus();
}

absl::Status Trainer::CheckReplicas() {
  return CheckReplicasAgree(session_.context().comm,
                            absl::StrCat("the weights after step ", position_.step()),
                            session_.model().ReplicaHash());
}

absl::Status Trainer::EvaluateEpoch(int64_t number, const Epoch& trained) {
  position_.set_epoch(number);
  position_.add_epoch_seconds(trained.seconds);
  const double rate = static_cast<double>(trained.nodes) / trained.seconds;
  JsonObject event;
  event.Add("event", "epoch").Add("epoch", number).Add("train_loss", trained.loss);
  std::string line =
      absl::StrFormat("epoch %d/%d  loss %.4f", number, config_.epochs(), trained.loss);
  bool better = false;
  if (number % config_.eval_every_epochs() == 0 || number == config_.epochs()) {
    const absl::Time start = absl::Now();
    QH_ASSIGN_OR_RETURN(const auto metrics,
                        EvaluateParts(session_, {SplitPart::kValid, SplitPart::kTest}));
    const PartMetrics &valid = metrics.at(SplitPart::kValid), &test = metrics.at(SplitPart::kTest);
    for (const auto& [part, of_part] : metrics)
      for (const auto& [name, value] : of_part.Named(part)) event.Add(name, value);
    event.Add("evaluation_seconds", absl::ToDoubleSeconds(absl::Now() - start));
    better = valid.selected() > position_.best_valid();
    if (better) {
      position_.set_best_valid(valid.selected());
      position_.set_best_test(test.selected());
      position_.set_best_epoch(number);
      KeepBest(metrics);
      position_.set_evaluations_without_better(0);
    } else {
      position_.set_evaluations_without_better(position_.evaluations_without_better() + 1);
    }
    absl::StrAppendFormat(&line, "  valid %.4f  test %.4f  best %.4f (epoch %d)", valid.selected(),
                          test.selected(), position_.best_test(), position_.best_epoch());
  }
  event.Add("seconds", trained.seconds)
      .Add("train_nodes_per_second", rate)
      .Add("exposed_wait_seconds", trained.exposed_wait_seconds);
  if (folder_ != nullptr) {
    QH_RETURN_IF_ERROR(folder_->AppendMetrics(event));
    absl::PrintF("%s  %.2f s  %.0f nodes/s\n", line, trained.seconds, rate);
    std::fflush(stdout);
  }
  return SaveCheckpoints(number, better);
}

void Trainer::KeepBest(const std::map<SplitPart, PartMetrics>& metrics) {
  position_.clear_best_metrics();
  for (const auto& [part, of_part] : metrics) {
    for (const auto& [name, value] : of_part.Named(part)) {
      NamedMetric* metric = position_.add_best_metrics();
      metric->set_name(name);
      metric->set_value(value);
    }
  }
}

absl::Status Trainer::SaveCheckpoints(int64_t epoch, bool better) {
  Codebook* book = session_.model().codebook();
  position_.set_codebook_started(book != nullptr && book->started());
  const CheckpointConfig& checkpoint = job_.config.checkpoint();
  if (better)
    QH_RETURN_IF_ERROR(
        WriteCheckpoint(session_.Subject(&adam_), position_, BestCheckpointPath(job_.run)));
  if (epoch % checkpoint.every_epochs() != 0 && epoch != config_.epochs()) return absl::OkStatus();
  QH_RETURN_IF_ERROR(WriteCheckpoint(session_.Subject(&adam_), position_,
                                     CheckpointPath(job_.run, position_.step())));
  if (folder_ == nullptr) return absl::OkStatus();
  std::vector<int64_t> steps = ListCheckpointSteps(job_.run);
  for (size_t i = 0; i + static_cast<size_t>(checkpoint.keep()) < steps.size(); ++i) {
    std::error_code error;  // an old checkpoint that stays does no harm
    std::filesystem::remove_all(CheckpointPath(job_.run, steps[i]), error);
  }
  return absl::OkStatus();
}

bool Trainer::OutOfPatience() const {
  return config_.patience() > 0 && position_.evaluations_without_better() >= config_.patience();
}

absl::Status Trainer::Finish() {
  Communicator& comm = session_.context().comm;
  QH_RETURN_IF_ERROR(CheckReplicas());
  QH_ASSIGN_OR_RETURN(const int64_t peak_rss_bytes, LargestOverRanks(comm, PeakRssBytes()));
  if (folder_ == nullptr) return comm.Barrier("end of the run");
  const double epoch_seconds =
      Median({position_.epoch_seconds().begin(), position_.epoch_seconds().end()});
  int64_t train_nodes = 0;
  const LoaderInputs& inputs = session_.inputs();
  for (int64_t v = 0; v < inputs.num_nodes(); ++v) {
    const bool train =
        inputs.split[static_cast<size_t>(v)] == static_cast<uint8_t>(SplitPart::kTrain);
    train_nodes += train && inputs.HasLabel(v) ? 1 : 0;
  }
  JsonObject summary;
  for (const NamedMetric& metric : position_.best_metrics())
    summary.Add(metric.name(), metric.value());
  summary.Add("best_epoch", position_.best_epoch())
      .Add("epochs", position_.epoch())
      .Add("epoch_seconds", epoch_seconds)
      .Add("train_nodes_per_second", static_cast<double>(train_nodes) / epoch_seconds)
      .Add("parameters", session_.model().parameters().num_trained())
      .Add("ranks", comm.num_ranks())
      .Add("precision", session_.model().options().precision == Precision::kBF16 ? "BF16" : "F32")
      .Add("peak_rss_bytes", peak_rss_bytes);
  QH_RETURN_IF_ERROR(folder_->WriteSummary(summary));
  absl::PrintF(
      "test %.4f at the best validation epoch (%d of %d), median epoch %.2f s, %.0f "
      "training nodes/s\n",
      position_.best_test(), position_.best_epoch(), position_.epoch(), epoch_seconds,
      static_cast<double>(train_nodes) / epoch_seconds);
  return comm.Barrier("end of the run");
}

}  // namespace quadhop
