// Runs over seeds or splits, which stand in one folder under names of their own:
//
//   FOLDER/seed-3/, FOLDER/split-NAME/, FOLDER/split-NAME/seed-3/   a run each (run_folder.h)
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

// The kinds of such runs: how their names begin.
inline constexpr absl::string_view kSeedRun = "seed-", kSplitRun = "split-";

std::string SeedRunName(uint64_t seed);
std::string SplitRunName(absl::string_view split);

// The kind of a run by its name: kSeedRun ("seed-3", but not "seed-3.old"), kSplitRun, or "" if it
// is neither.
absl::string_view KindOfRun(absl::string_view name);

// The folder of runs that a run stands in, with no links in its path; "" if the run's name is not
// that of one of several.
std::string FolderOfRuns(const std::string& run);

// The runs in a folder, by their names in it: "seed-3", "split-NAME/seed-3". Splits are sorted by
// name, seeds by number.
std::vector<std::string> RunsIn(const std::string& folder);
// The folders of these; or, if it holds none, `folder` itself.
std::vector<std::string> RunsOf(const std::string& folder);

}  // namespace quadhop
