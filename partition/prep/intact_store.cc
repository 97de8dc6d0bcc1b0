#include "partition/prep/intact_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/store/manifest.h"
#include "partition/steps/store_step.h"

namespace quadhop {
namespace {

std::vector<absl::string_view> FilesOf(PrepStep step) {
  if (step == PrepStep::kEncode) return {"pos_enc.npy"};
  if (step == PrepStep::kPropagate) return {"features.npy"};
  return {"indptr.npy", "indices.npy", "original_ids.npy"};
}

}  // namespace

bool StepIsDone(const Store& store, PrepStep step, absl::string_view options) {
  const Provenance* done = store.FindStep(PrepStepName(step));
  if (done == nullptr || done->options() != options) return false;
  const std::vector<absl::string_view> files = FilesOf(step);
  return std::all_of(files.begin(), files.end(),
                     [&](absl::string_view name) { return store.HasFile(name); });
}

absl::StatusOr<IntactStore> OpenIntact(const std::string& path, ThreadPool& pool) {
  IntactStore intact;
  absl::StatusOr<std::unique_ptr<Store>> store = OpenFinished(path, {});
  if (absl::IsNotFound(store.status())) return intact;
  if (absl::IsDataLoss(store.status())) {
    intact.damage = std::string(store.status().message());
    store = Store::Open(path, kDerivedFiles);
    if (absl::IsDataLoss(store.status()) || absl::IsFailedPrecondition(store.status()))
      return intact;
  }
  QH_RETURN_IF_ERROR(store.status());
  std::vector<std::string> damaged;
  for (const StoreFile& file : (*store)->manifest().files()) {
    const absl::Status status = (*store)->VerifyFiles({file.name()}, pool);
    if (status.ok()) continue;
    if (!absl::IsDataLoss(status)) return status;
    intact.damage = std::string(status.message());
    if (StepOfFile(file.name()) == PrepStepName(PrepStep::kImport)) return intact;
    damaged.push_back(file.name());
  }
  const Provenance* import = (*store)->FindStep(PrepStepName(PrepStep::kImport));
  if (!intact.damage.empty() && import != nullptr) {
    QH_ASSIGN_OR_RETURN(const StoreStep step, BeginStep(path, kDerivedFiles, {}));
    for (const std::string& name : damaged) LeaveOut(step.writer->manifest(), name);
    QH_RETURN_IF_ERROR(step.writer->Commit(*import, pool));
    store = Store::Open(path);
  }
  QH_ASSIGN_OR_RETURN(intact.store, std::move(store));
  return intact;
}

absl::StatusOr<IntactStore> LookAtStore(const std::string& path) {
  IntactStore found;
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(path, kDerivedFiles);
  if (store.ok())
    found.store = *std::move(store);
  else if (absl::IsDataLoss(store.status()))
    found.damage = std::string(store.status().message());
  else if (!absl::IsNotFound(store.status()))
    return store.status();
  return found;
}

}  // namespace quadhop
