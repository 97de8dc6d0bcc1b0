#include "launch/results/export.h"

#include <absl/strings/str_format.h>

#include <memory>

#include "core/base/status.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/ranks/cores.h"
#include "model/checkpoint/checkpoint_export.h"

namespace quadhop {

absl::Status Export(const CheckpointJob& job, const std::string& out) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(job.store));
  ThreadPool pool(NumThreads(0));
  QH_RETURN_IF_ERROR(store->VerifyFiles({"original_ids.npy"}, pool));
  QH_ASSIGN_OR_RETURN(const auto original_ids, store->original_ids());
  QH_RETURN_IF_ERROR(
      ExportWeights(job.checkpoint, StoreIdentity(store->manifest()), original_ids, out));
  absl::PrintF("wrote %s\n", out);
  return absl::OkStatus();
}

}  // namespace quadhop
