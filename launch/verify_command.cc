// quadhop verify PATH
#include <absl/strings/str_cat.h>

#include <cstdio>
#include <memory>

#include "core/file.h"
#include "core/status.h"
#include "core/store.h"
#include "core/thread_pool.h"
#include "launch/commands.h"
#include "launch/flags.h"
#include "launch/runtime.h"

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

}  // namespace

absl::StatusOr<ExitCode> VerifyCommand(absl::Span<const std::string> arguments) {
  std::string path;
  int64_t threads = 0;
  Flags flags("verify", "Checks every checksum of a store, on all threads.");
  flags.Positional("PATH", &path, "a store (NAME.qh)").Required();
  AddThreadsFlag(&flags, &threads);
  flags.Example("verify stores/wordnet.qh");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  ThreadPool pool(NumThreads(threads));
  QH_RETURN_IF_ERROR(VerifyStore(path, pool));
  return ExitCode::kDone;
}

}  // namespace quadhop
