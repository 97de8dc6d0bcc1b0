// What doctor reports about one subject.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace quadhop {

enum class Verdict { kOk, kWarn, kFail };

struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string subject;  // a word or two: "memory"
  std::string found;    // what there is, with figures
  std::string advice;   // what to do; "" if all is well
};
using Findings = std::vector<Finding>;

// "warn  clocks      hosts differ by 3.2 s: set them by NTP"
std::string DescribeFinding(const Finding& finding);

Verdict WorstOf(const Findings& findings);

}  // namespace quadhop
