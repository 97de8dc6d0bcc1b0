#include "launch/run/repeated_runs.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <filesystem>

#include "core/files/file.h"
#include "launch/run/run_paths.h"

namespace quadhop {
namespace {

// The names in a folder that are those of runs over seeds or splits.
std::vector<std::string> NamesOfRuns(const std::string& folder) {
  std::vector<std::string> names = ListFolderIfPresent(folder).value_or(std::vector<std::string>());
  std::erase_if(names, [](const std::string& name) { return KindOfRun(name).empty(); });
  // Numbers without leading zeros ascend by length first.
  std::stable_sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return KindOfRun(a) == kSeedRun && KindOfRun(b) == kSeedRun && a.size() < b.size();
  });
  return names;
}

}  // namespace

std::string SeedRunName(uint64_t seed) { return absl::StrCat(kSeedRun, seed); }

std::string SplitRunName(absl::string_view split) { return absl::StrCat(kSplitRun, split); }

absl::string_view KindOfRun(absl::string_view name) {
  uint64_t seed = 0;
  if (absl::StartsWith(name, kSplitRun)) return kSplitRun;
  return absl::ConsumePrefix(&name, kSeedRun) && absl::SimpleAtoi(name, &seed) ? kSeedRun : "";
}

std::string FolderOfRuns(const std::string& run) {
  std::filesystem::path folder = CanonicalPath(run);
  const std::filesystem::path of_run = folder;
  while (!KindOfRun(folder.filename().string()).empty()) folder = folder.parent_path();
  return folder == of_run ? "" : folder.string();
}

std::vector<std::string> RunsIn(const std::string& folder) {
  std::vector<std::string> runs;
  for (const std::string& name : NamesOfRuns(folder)) {
    const std::string path = absl::StrCat(folder, "/", name);
    if (IsRunFolder(path)) {
      runs.push_back(name);
    } else if (KindOfRun(name) == kSplitRun) {
      for (const std::string& of_seed : NamesOfRuns(path))
        if (IsRunFolder(absl::StrCat(path, "/", of_seed)))
          runs.push_back(absl::StrCat(name, "/", of_seed));
    }
  }
  return runs;
}

std::vector<std::string> RunsOf(const std::string& folder) {
  std::vector<std::string> runs = RunsIn(folder);
  for (std::string& name : runs) name = absl::StrCat(folder, "/", name);
  if (runs.empty()) runs.push_back(folder);
  return runs;
}

}  // namespace quadhop
