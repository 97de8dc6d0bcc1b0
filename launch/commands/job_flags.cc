#include "launch/commands/job_flags.h"

#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <cstdio>

#include "comm/mpi/mpi_launcher.h"
#include "core/base/status.h"
#include "launch/config/backends.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_folder.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {
namespace {

void SayIfUnfinished(const CheckpointJob& job) {
  const absl::StatusOr<CheckpointManifest> of = ReadCheckpointManifest(job.checkpoint);
  if (IsFinished(job.run) || !of.ok()) return;  // damage is told when it is read
  absl::FPrintF(
      stderr,
      "%s is not finished: using the checkpoint after step %d (epochs done: %d, of at most "
      "%d); later ones may be better\n",
      job.run, of->position().step(), of->position().epoch(), job.config.train().epochs());
}

}  // namespace

void AddRanksFlags(Flags* flags, RanksOptions* ranks) {
  AddThreadsFlag(flags, &ranks->threads);
  flags->Int("ranks-in-process", &ranks->ranks_in_process, int64_t{0}, int64_t{1024},
             "number of ranks to run as threads of this process (0: this process is one rank)");
}

void AddSamplesFlag(Flags* flags, int64_t* samples) {
  flags->Int("samples", samples, int64_t{1}, int64_t{1000},
             "number of samples of each node's neighbourhood; results are those of the mean logits "
             "(and embeddings), often better, and take as many times as long");
}

void TakeDeadlines(const TrainConfig& config, RanksOptions* ranks) {
  ranks->start_deadline = absl::Seconds(config.collective_deadline_seconds());
  ranks->collective_deadline = ranks->start_deadline;
  ranks->heartbeat = {absl::Seconds(config.heartbeat_interval_seconds()),
                      absl::Seconds(config.heartbeat_timeout_seconds())};
}

void CheckpointFlags::AddRun(Flags* flags) {
  flags->String("run", &job.run, "RUN", "the folder of the run").Required();
  flags->String(
      "checkpoint", &checkpoint, "best|latest|STEP",
      "the checkpoint of the run to use; default: the best, or the latest if there is no best");
}

void CheckpointFlags::AddStore(Flags* flags) {
  flags->String("store", &job.store, "NAME.qh",
                "the store to apply the model to (default: the one it was trained on)");
}

absl::StatusOr<bool> CheckpointFlags::Parse(Flags* flags, absl::Span<const std::string> arguments) {
  QH_ASSIGN_OR_RETURN(const bool proceed, flags->Parse(arguments));
  if (!proceed) return false;
  QH_ASSIGN_OR_RETURN(job.config, ReadRunConfig(job.run));
  LeaveBackendsOpen(&job.config);
  if (job.store.empty() && finds_store) {
    QH_ASSIGN_OR_RETURN(job.store, FindRunStore(job.run));
  }
  const bool lacks_best = checkpoint.empty() && !FindCheckpoint(job.run, "best").ok();
  if (checkpoint.empty()) checkpoint = lacks_best ? "latest" : "best";
  QH_ASSIGN_OR_RETURN(job.checkpoint, FindCheckpoint(job.run, checkpoint));
  if (lacks_best && RankByLauncher() == 0)
    absl::FPrintF(stderr, "%s has no best checkpoint; using the latest\n", job.run);
  if (RankByLauncher() == 0) SayIfUnfinished(job);
  return true;
}

}  // namespace quadhop
