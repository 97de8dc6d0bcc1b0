#include "partition/steps/store_step.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/manifest.h"

namespace quadhop {

absl::StatusOr<StoreStep> BeginStep(const std::string& path,
                                    absl::Span<const absl::string_view> may_lack, CommitHook hook) {
  // StoreWriter::Begin would make the folder.
  if (!IsStoreFolder(path)) return Store::Open(path).status();
  StoreStep step;
  QH_ASSIGN_OR_RETURN(step.writer, StoreWriter::Begin(path, std::move(hook)));
  QH_ASSIGN_OR_RETURN(step.store, Store::Open(path, may_lack));
  step.writer->manifest() = step.store->manifest();
  return step;
}

absl::StatusOr<std::unique_ptr<Store>> OpenFinished(const std::string& path,
                                                    absl::Span<const absl::string_view> may_lack) {
  if (FileExists(absl::StrCat(path, "/", kNextManifestName)))
    QH_RETURN_IF_ERROR(StoreWriter::Begin(path).status());
  return Store::Open(path, may_lack);
}

}  // namespace quadhop
