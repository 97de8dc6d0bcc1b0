#include "launch/results/export.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <memory>

#include "core/base/status.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/ranks/cores.h"
#include "launch/run/run_folder.h"
#include "model/checkpoint/checkpoint_export.h"

namespace quadhop {
namespace {

absl::Status ExportWithCodes(const CheckpointJob& job, const std::string& out) {
  std::string path = job.store;
  if (path.empty()) {
    QH_ASSIGN_OR_RETURN(path, FindRunStore(job.run));
  }
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(path));
  ThreadPool pool(NumThreads(0));
  QH_RETURN_IF_ERROR(store->VerifyFiles({"original_ids.npy"}, pool));
  QH_ASSIGN_OR_RETURN(const auto original_ids, store->original_ids());
  return ExportWeights(job.checkpoint, NodesOfStore{StoreIdentity(store->manifest()), original_ids},
                       out);
}

}  // namespace

absl::Status Export(const CheckpointJob& job, bool with_codes, const std::string& out) {
  const absl::Status exported =
      with_codes ? ExportWithCodes(job, out) : ExportWeights(job.checkpoint, absl::nullopt, out);
  if (with_codes && (absl::IsFailedPrecondition(exported) || absl::IsNotFound(exported)))
    return absl::FailedPreconditionError(absl::StrCat(
        std::string(exported.message()), "; --without-codes exports the weights without a store"));
  QH_RETURN_IF_ERROR(exported);
  absl::PrintF("wrote %s\n", out);
  return absl::OkStatus();
}

}  // namespace quadhop
