#include "launch/training/train.h"

#include <memory>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "launch/config/backends.h"
#include "launch/faults/faults.h"
#include "launch/faults/faulty_communicator.h"
#include "launch/ranks/agreed_status.h"
#include "launch/run/run_folder.h"
#include "launch/run/run_paths.h"
#include "launch/session/same_config.h"
#include "launch/session/session.h"
#include "launch/session/trainable.h"
#include "launch/training/trainer.h"

namespace quadhop {
namespace {

// A run keeps the backend that it began with. Rank 0 has its folder.
absl::Status TakeBackendOfRun(const RankContext& context, TrainJob* job) {
  if (job->start != RunFolder::Start::kResume || !LeavesBackendOpen(job->config))
    return absl::OkStatus();
  ModelConfig::Backend backend = ModelConfig::AUTO;
  QH_RETURN_IF_ERROR(OnMainRank(context.comm, "read the config of the run", [&] {
    if (!FileExists(RunConfigPath(job->run))) return absl::OkStatus();
    const absl::StatusOr<Config> began = ReadRunConfig(job->run);
    if (began.ok()) backend = began->model().backend();
    return began.status();
  }));
  QH_ASSIGN_OR_RETURN(backend,
                      BroadcastValue(context.comm, "backend of the run", Rank(0), backend));
  job->config.mutable_model()->set_backend(backend);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> Train(const TrainJob& asked, const RankContext& context) {
  QH_RETURN_IF_ERROR(CheckSameConfig(context.comm, asked.config, asked.split));
  TrainJob job = asked;
  QH_RETURN_IF_ERROR(OnMainRank(context.comm, "look for the run",
                                [&] { return RunFolder::CheckStart(job.run, job.start); }));
  QH_RETURN_IF_ERROR(TakeBackendOfRun(context, &job));
  Faults faults(job.config.train().fail_at(), context.comm.rank());
  const std::unique_ptr<Communicator> faulty = WithFaults(context.comm, faults, context.progress);
  Communicator& comm = faulty != nullptr ? *faulty : context.comm;
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                      Session::Create(job.store, job.split, job.config, context.With(comm)));
  // Checked before the folder of an existing run is touched.
  QH_RETURN_IF_ERROR(AgreeOnStatus(
      comm, "check the split",
      CheckSplit(session->inputs(), session->store(), session->split(), session->config())));
  return Trainer(job, *session, faults).Run();
}

}  // namespace quadhop
