#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/files/run_mark.h"
#include "core/store/manifest.h"
#include "partition/import/import.h"
#include "partition/steps/prep_step.h"

namespace quadhop {
namespace {

namespace fs = std::filesystem;

// Of the last step that was decided, even if it was interrupted; empty if there is none to read.
StoreManifest LatestManifest(const std::string& store) {
  for (const char* name : {kNextManifestName, kStoreManifestName})
    if (absl::StatusOr<StoreManifest> found = ReadManifest(absl::StrCat(store, "/", name));
        found.ok())
      return *std::move(found);
  return {};
}

absl::Status CheckReadable(const std::string& flag, const std::string& path) {
  if (access(path.c_str(), R_OK) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat(flag, " ", path));
}

// Writing the store would replace it.
absl::Status CheckOutside(const std::string& flag, const std::string& path,
                          const std::string& store) {
  std::error_code error;
  const std::string input = fs::weakly_canonical(path, error);
  const std::string folder = fs::weakly_canonical(store, error);
  if (error || store.empty() || !absl::StartsWith(input + "/", folder + "/"))
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", path, " lies in the folder of the store, ", store,
                   ", all of which an import replaces: move the input, or name another --store"));
}

// Files from an archive may all have the same time, and arrays of one shape the same size: so their
// first and last bytes count, too.
constexpr size_t kEndBytes = size_t{64} << 10;

std::string ChecksumOfEnds(const std::string& path) {
  const absl::StatusOr<MappedFile> file = MappedFile::Open(path);
  if (!file.ok()) return "that cannot be read";  // which is no input, or will be an error
  const absl::string_view text = file->text(), first = text.substr(0, kEndBytes);
  const absl::string_view last = text.substr(text.size() - std::min(text.size(), kEndBytes));
  return absl::StrCat("xxh3 of the ends ", HexOf(Xxh3(first.data(), first.size())), " ",
                      HexOf(Xxh3(last.data(), last.size())));
}

// "arcs.txt 12 bytes changed 1764340000.123456789 xxh3 of the ends ..."
absl::StatusOr<std::string> DescribeFile(const fs::path& path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0)
    return ErrnoStatus(errno, absl::StrCat("look at ", path.string()));
  return absl::StrCat(path.filename().string(), " ", facts.st_size, " bytes changed ",
                      facts.st_mtim.tv_sec, ".", absl::Dec(facts.st_mtim.tv_nsec, absl::kZeroPad9),
                      " ", ChecksumOfEnds(path));
}

// What tells a folder from others, through whatever links it is reached.
std::pair<dev_t, ino_t> IdentityOf(const fs::path& folder) {
  struct stat facts = {};
  static_cast<void>(stat(folder.c_str(), &facts));  // of a folder that was just listed
  return {facts.st_dev, facts.st_ino};
}

bool IsHidden(const fs::path& path) { return absl::StartsWith(path.filename().string(), "."); }

// All files below a folder except hidden ones, those of stores and runs, which are not read and
// change, and those in folders that may not be read. Links are followed, but to no folder twice.
absl::StatusOr<std::vector<std::string>> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder,
                                           fs::directory_options::skip_permission_denied |
                                               fs::directory_options::follow_directory_symlink,
                                           error);
  std::set<std::pair<dev_t, ino_t>> seen = {IdentityOf(folder)};
  while (!error && entries != fs::recursive_directory_iterator()) {
    std::error_code ignored;  // of a link that leads nowhere
    if (entries->is_directory(ignored)) {
      if (IsHidden(entries->path()) || !seen.insert(IdentityOf(entries->path())).second ||
          IsStoreFolder(entries->path()) || FileExists(entries->path() / kRunMark))
        entries.disable_recursion_pending();
    } else if (!IsHidden(entries->path()) && entries->is_regular_file(ignored)) {
      files.push_back(entries->path());
    }
    entries.increment(error);
  }
  if (error) return ErrnoStatus(error.value(), absl::StrCat("list ", folder));
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::string> DescribeFolder(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesBelow(folder));
  std::string text;
  for (const std::string& file : files) {
    QH_ASSIGN_OR_RETURN(const std::string description, DescribeFile(file));
    absl::StrAppend(&text, fs::path(file).parent_path().string().substr(folder.size()), "/",
                    description, "\n");
  }
  return absl::StrCat(files.size(), " files, xxh3 of their names, bytes, times and ends ",
                      HexOf(Xxh3(text.data(), text.size())));
}

// Some formats are recognised by the beginning of file names: then describes the files that begin
// so.
absl::StatusOr<std::string> DescribeBeginning(const fs::path& beginning) {
  std::vector<std::string> described;
  std::error_code error;
  for (fs::directory_iterator entries(beginning.parent_path(), error);
       !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (!absl::StartsWith(entries->path().string(), beginning.string()) ||
        !entries->is_regular_file(ignored))
      continue;
    QH_ASSIGN_OR_RETURN(std::string description, DescribeFile(entries->path()));
    described.push_back(std::move(description));
  }
  if (error || described.empty())
    return absl::NotFoundError(absl::StrCat("--from ", beginning.string(), " does not exist"));
  std::sort(described.begin(), described.end());
  return absl::StrJoin(described, ", ");
}

struct Input {
  const char* flag;
  std::string path;
};
std::vector<Input> InputsOf(const ImportOptions& options) {
  std::vector<Input> inputs = {{"--from", options.from},
                               {"--features", options.features},
                               {"--labels", options.labels},
                               {"--splits", options.splits}};
  for (const std::string& table : options.nodes) inputs.push_back({"--nodes", table});
  std::erase_if(inputs, [](const Input& input) { return input.path.empty(); });
  return inputs;
}

}  // namespace

absl::StatusOr<std::string> ImportInputs(const ImportOptions& options) {
  if (!options.like.empty())
    QH_RETURN_IF_ERROR(CheckOutside("--like", options.like, options.store));
  std::vector<std::string> described;
  for (const auto& [flag, path] : InputsOf(options)) {
    QH_RETURN_IF_ERROR(CheckOutside(flag, path, options.store));
    const std::string absolute = AbsolutePath(path);
    std::error_code error;
    absl::StatusOr<std::string> description;
    if (fs::is_directory(absolute, error)) {
      description = DescribeFolder(absolute);
    } else if (path == options.from && !FileExists(path)) {
      description = DescribeBeginning(absolute);
    } else {
      QH_RETURN_IF_ERROR(CheckReadable(flag, path));
      description = DescribeFile(absolute);
    }
    QH_RETURN_IF_ERROR(description.status());
    described.push_back(absl::StrCat(flag, " ", *description));
  }
  return absl::StrJoin(described, "; ");
}

std::string ImportSources(const ImportOptions& options) {
  std::vector<Input> sources = InputsOf(options);
  if (!options.like.empty()) sources.push_back({"--like", options.like});
  return absl::StrJoin(sources, "; ", [](std::string* out, const Input& input) {
    absl::StrAppend(out, input.flag, " ", AbsolutePath(input.path));
  });
}

bool InputsChanged(const Store& store, absl::string_view options, absl::string_view inputs) {
  const Provenance* done = store.FindStep(PrepStepName(PrepStep::kImport));
  return done != nullptr && done->options() == options && !done->inputs().empty() &&
         done->inputs() != inputs;
}

absl::Status CheckSameSource(const ImportOptions& options, absl::string_view inputs) {
  const StoreManifest manifest = LatestManifest(options.store);
  const Provenance* done = FindStep(manifest, PrepStepName(PrepStep::kImport));
  if (done == nullptr || done->sources().empty() || done->inputs() == inputs)
    return absl::OkStatus();
  absl::string_view other = done->sources();
  const std::string from = absl::StrCat("--from ", AbsolutePath(options.from));
  if (absl::ConsumePrefix(&other, from) && (other.empty() || absl::StartsWith(other, "; --")))
    return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      options.store, " was imported from other inputs:\n  ", done->sources(), "\nnot from\n  ",
      ImportSources(options), "\ngive another --store, or remove this one first"));
}

}  // namespace quadhop
