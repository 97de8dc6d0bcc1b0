// quadhop verify PATH
#include <cstdio>
#include <memory>

#include "core/base/status.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/paths.h"
#include "launch/ranks/cores.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_folder.h"
#include "model/checkpoint/checkpoint.h"

namespace quadhop {
namespace {

absl::Status VerifyStore(const std::string& path, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(path));
  QH_RETURN_IF_ERROR(store->VerifyAll(pool));
  int64_t num_bytes = 0;
  for (const StoreFile& file : store->manifest().files()) num_bytes += file.bytes();
  std::printf("%s is intact: %d files, %lld bytes\n", path.c_str(), store->manifest().files_size(),
              static_cast<long long>(num_bytes));
  return absl::OkStatus();
}

// Verifies one checkpoint per thread. Returns the error of the first damaged one in the order of
// steps.
absl::Status VerifyCheckpoints(const std::vector<std::string>& paths, ThreadPool& pool) {
  std::vector<absl::Status> results(paths.size());
  pool.ParallelFor(static_cast<int64_t>(paths.size()), [&](int64_t i, int) {
    results[static_cast<size_t>(i)] = VerifyCheckpoint(paths[static_cast<size_t>(i)]).status();
  });
  for (size_t i = 0; i < paths.size(); ++i) {
    QH_RETURN_IF_ERROR(results[i]);
    std::printf("%s is intact\n", paths[i].c_str());
  }
  return absl::OkStatus();
}

absl::Status VerifyRun(const std::string& run, ThreadPool& pool) {
  QH_RETURN_IF_ERROR(ReadRunConfig(run).status());
  std::vector<std::string> paths;
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(run));
  for (const int64_t step : steps) paths.push_back(CheckpointPath(run, step));
  if (paths.empty()) std::printf("%s has no checkpoint\n", run.c_str());
  return VerifyCheckpoints(paths, pool);
}

absl::Status Verify(const std::string& path, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const PathKind kind, KindOf(path));
  if (kind == PathKind::kCheckpoint) return VerifyCheckpoints({path}, pool);
  return kind == PathKind::kRun ? VerifyRun(path, pool) : VerifyStore(path, pool);
}

}  // namespace

absl::StatusOr<ExitCode> VerifyCommand(absl::Span<const std::string> arguments) {
  std::string path;
  int64_t threads = 0;
  Flags flags("verify", "Checks every checksum of a store, a checkpoint or a run, on all threads.");
  flags.Positional("PATH", &path, "a store (NAME.qh), a checkpoint or the folder of a run")
      .Required();
  AddThreadsFlag(&flags, &threads);
  flags.Example("verify stores/wordnet.qh").Example("verify runs/quickstart");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  ThreadPool pool(NumThreads(threads));
  QH_RETURN_IF_ERROR(Verify(path, pool));
  return ExitCode::kDone;
}

}  // namespace quadhop
