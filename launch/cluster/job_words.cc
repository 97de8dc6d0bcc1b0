#include "launch/cluster/job_words.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>

namespace quadhop {
namespace {

// --name, --name=true
bool IsSwitch(absl::string_view word, absl::string_view name) {
  return absl::ConsumePrefix(&word, "--") && absl::ConsumePrefix(&word, name) &&
         (word.empty() || word[0] == '=');
}

}  // namespace

std::string FlagOfJob(absl::Span<const std::string> job, absl::string_view name) {
  const std::string flag = absl::StrCat("--", name), with_value = absl::StrCat(flag, "=");
  for (size_t i = 0; i < job.size(); ++i) {
    if (job[i] == flag && i + 1 < job.size()) return job[i + 1];
    if (absl::StartsWith(job[i], with_value)) return job[i].substr(with_value.size());
  }
  return "";
}

JobWords WithoutFlag(absl::Span<const std::string> job, absl::string_view name) {
  const std::string flag = absl::StrCat("--", name), with_value = absl::StrCat(flag, "=");
  JobWords others;
  for (size_t i = 0; i < job.size(); ++i) {
    if (job[i] == flag)
      ++i;
    else if (!absl::StartsWith(job[i], with_value))
      others.push_back(job[i]);
  }
  return others;
}

bool HasSwitch(absl::Span<const std::string> job, absl::string_view name) {
  return std::any_of(job.begin(), job.end(),
                     [name](const std::string& word) { return IsSwitch(word, name); });
}

JobWords WithResume(absl::Span<const std::string> job) {
  JobWords resumed;
  for (const std::string& word : job)
    if (!IsSwitch(word, "overwrite") && !IsSwitch(word, "resume")) resumed.push_back(word);
  resumed.push_back("--resume");
  return resumed;
}

}  // namespace quadhop
