#include "core/store/store_recovery.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/store/manifest.h"

namespace quadhop {
namespace {

bool HasBytes(const std::string& path, int64_t bytes) {
  const absl::StatusOr<int64_t> actual = FileBytes(path);
  return actual.ok() && *actual == bytes;
}

bool HasChecksum(const std::string& path, absl::string_view expected) {
  const absl::StatusOr<std::string> text = ReadRegularFile(path);
  return text.ok() && HexOf(Xxh3(text->data(), text->size())) == expected;
}

// The files of the manifest that are not in the folder; with `or_temporary`, those that are there
// neither under their names nor as .tmp.
std::vector<std::string> MissingFiles(const std::string& folder, const StoreManifest& manifest,
                                      bool or_temporary) {
  std::vector<std::string> missing;
  for (const StoreFile& file : manifest.files()) {
    const std::string path = absl::StrCat(folder, "/", file.name());
    const std::string sidecar = path + ".xxh3";
    const bool has_data =
        HasBytes(path, file.bytes()) || (or_temporary && HasBytes(path + ".tmp", file.bytes()));
    const bool has_sidecar = HasChecksum(sidecar, file.sidecar_xxh3()) ||
                             (or_temporary && HasChecksum(sidecar + ".tmp", file.sidecar_xxh3()));
    if (!has_data || !has_sidecar) missing.push_back(file.name());
  }
  return missing;
}

// Not RenameFile: one fsync of the folder serves all names.
absl::Status TakeName(const std::string& path) {
  const std::string temporary = path + ".tmp";
  if (rename(temporary.c_str(), path.c_str()) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, absl::StrCat("rename ", temporary, " to ", path));
  return absl::OkStatus();
}

// Whether StoreWriter could have given this name.
bool IsTemporaryOfStore(absl::string_view name) {
  for (const char* end : {".npy.tmp", ".txt.tmp", ".xxh3.tmp"})
    if (absl::EndsWith(name, end)) return true;
  return name == absl::StrCat(kNextManifestName, ".tmp");
}

absl::Status RemoveTemporaries(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  for (const std::string& name : names) {
    if (IsTemporaryOfStore(name))
      QH_RETURN_IF_ERROR(RemoveFileIfPresent(absl::StrCat(folder, "/", name)));
  }
  return absl::OkStatus();
}

// A .next that cannot be finished is dropped only if the store that it was to replace is whole.
absl::Status TakeBack(const std::string& folder, const absl::Status& why) {
  const absl::StatusOr<StoreManifest> present =
      ReadManifest(absl::StrCat(folder, "/", kStoreManifestName));
  if (!present.ok() || !MissingFiles(folder, *present, false).empty())
    return absl::DataLossError(absl::StrCat(
        folder, ": an interrupted step can be neither finished (", why.message(),
        ") nor undone; restore the files, or remove the folder and make the store again"));
  return RemoveFileIfPresent(absl::StrCat(folder, "/", kNextManifestName));
}

}  // namespace

absl::Status FinishCommit(const std::string& folder, const StoreManifest& next) {
  const std::vector<std::string> missing = MissingFiles(folder, next, true);
  if (!missing.empty())
    return absl::DataLossError(
        absl::StrCat(folder, ": missing or of the wrong size: ", absl::StrJoin(missing, ", ")));
  for (const StoreFile& file : next.files()) {
    const std::string path = absl::StrCat(folder, "/", file.name());
    QH_RETURN_IF_ERROR(TakeName(path));
    QH_RETURN_IF_ERROR(TakeName(path + ".xxh3"));
  }
  const std::string manifest_path = absl::StrCat(folder, "/", kStoreManifestName);
  if (const absl::StatusOr<StoreManifest> before = ReadManifest(manifest_path); before.ok()) {
    for (const StoreFile& file : before->files()) {
      if (FindFile(next, file.name()) != nullptr) continue;
      const std::string path = absl::StrCat(folder, "/", file.name());
      QH_RETURN_IF_ERROR(RemoveFileIfPresent(path));
      QH_RETURN_IF_ERROR(RemoveFileIfPresent(path + ".xxh3"));
    }
  }
  // The files must be found after a crash before the manifest that lists them is.
  QH_RETURN_IF_ERROR(FsyncDirectory(folder));
  return RenameFile(absl::StrCat(folder, "/", kNextManifestName), manifest_path);
}

absl::Status RecoverStore(const std::string& folder) {
  const std::string next_path = absl::StrCat(folder, "/", kNextManifestName);
  if (FileExists(next_path)) {
    const absl::StatusOr<StoreManifest> next = ReadManifest(next_path);
    absl::Status finished = next.ok() ? FinishCommit(folder, *next) : next.status();
    if (absl::IsDataLoss(finished) || absl::IsInvalidArgument(finished))
      finished = TakeBack(folder, finished);
    QH_RETURN_IF_ERROR(finished);
  }
  return RemoveTemporaries(folder);
}

absl::Status CheckMayBeReplaced(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  const absl::flat_hash_set<std::string> present(names.begin(), names.end());
  if (present.contains(kStoreManifestName) || present.contains(kNextManifestName))
    return absl::OkStatus();
  for (const std::string& name : names) {
    if (IsTemporaryOfStore(name) || absl::EndsWith(name, ".xxh3") ||
        present.contains(name + ".xxh3"))
      continue;
    return absl::FailedPreconditionError(
        absl::StrCat(folder, ": is not a store (it has no ", kStoreManifestName, ") and holds ",
                     name, ": name a folder that is absent or empty, or a store to be replaced"));
  }
  return absl::OkStatus();
}

}  // namespace quadhop
