#include "launch/doctor/finding.h"

#include <absl/strings/str_format.h>

#include <algorithm>

namespace quadhop {
namespace {

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kFail:
      return "FAIL";
  }
  return "";
}

}  // namespace

std::string DescribeFinding(const Finding& finding) {
  return absl::StrFormat("%-5s %-11s %s%s%s", NameOf(finding.verdict), finding.subject,
                         finding.found, finding.advice.empty() ? "" : ": ", finding.advice);
}

Verdict WorstOf(const Findings& findings) {
  Verdict worst = Verdict::kOk;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

}  // namespace quadhop
