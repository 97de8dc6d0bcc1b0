#include "launch/run/resume_check.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "launch/config/config_fields.h"

namespace quadhop {

absl::StatusOr<std::vector<std::string>> ChangesOnResume(const Config& before, const Config& now) {
  std::vector<std::string> was, allowed, refused;
  ForEachField(before, [&](const auto&, const auto& owner, const auto& field) {
    was.push_back(FieldText(owner, field));
  });
  size_t at = 0;
  ForEachField(now, [&](const auto& path, const auto& owner, const auto& field) {
    const std::string& old = was[at++];
    const std::string is = FieldText(owner, field);
    if (is == old) return;
    (field.options().GetExtension(may_change) ? allowed : refused)
        .push_back(absl::StrCat(path, ": ", old, ", now ", is));
  });
  if (now.train().schedule() != TrainConfig::CONSTANT &&
      before.train().epochs() != now.train().epochs())
    refused.push_back(absl::StrCat("train.epochs: ", before.train().epochs(), ", now ",
                                   now.train().epochs(), " (the schedule of the ",
                                   "learning rate depends on it)"));
  if (refused.empty()) return allowed;
  return absl::FailedPreconditionError(absl::StrCat(
      "the run was begun with another config, and what it computes depends on it:\n  ",
      absl::StrJoin(refused, "\n  "), "\nresume with the values it had, or begin another --run"));
}

}  // namespace quadhop
