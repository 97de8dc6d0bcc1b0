#include "launch/session/same_config.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <string>
#include <vector>

#include "launch/config/config_fields.h"
#include "launch/ranks/agreed_status.h"

namespace quadhop {
namespace {

std::vector<std::string> FieldsOf(const Config& config) {
  std::vector<std::string> fields;
  ForEachField(config, [&](const auto& path, const auto& owner, const auto& field) {
    fields.push_back(absl::StrCat(path, ": ", FieldText(owner, field)));
  });
  return fields;
}

// "... give all ranks the same ...\n  train.seed: 1; on rank 0 train.seed: 0".
std::string DifferenceOf(const std::vector<std::string>& mine,
                         const std::vector<std::string>& of_rank_0) {
  std::vector<std::string> differing;
  for (size_t i = 0; i < mine.size() && i < of_rank_0.size(); ++i)
    if (mine[i] != of_rank_0[i])
      differing.push_back(absl::StrCat("  ", mine[i], "; on rank 0 ", of_rank_0[i]));
  return absl::StrCat(
      "the config is not the one that rank 0 has: give all ranks the same --config and --set, and "
      "a --run on a file system that all hosts share\n",
      absl::StrJoin(differing, "\n"));
}

}  // namespace

absl::Status CheckSameConfig(Communicator& comm, const Config& config, const std::string& split) {
  std::vector<std::string> mine = FieldsOf(config);
  mine.push_back(absl::StrCat("--split: ", split.empty() ? "the default" : split));
  return AgreeOnText(comm, "compare the configs", absl::StrJoin(mine, "\n"),
                     [&](const std::string& of_rank_0) {
                       return DifferenceOf(mine, absl::StrSplit(of_rank_0, '\n'));
                     });
}

}  // namespace quadhop
