// quadhop_golden FILE...: checks golden cases against the reference in double and the production
// model in float. Prints the worst check of each kind and all that fail; exits with 1 if one fails
// or a file cannot be read, 2 on wrong usage. Where the production model fails, the errors of plain
// loops in float are printed too: batch norm, Adam and nearest-centroid choices amplify rounding,
// and long cases leave the bounds in any float arithmetic.
#include <absl/status/statusor.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/golden/golden_check.h"
#include "tests/golden/golden_production.h"
#include "tests/golden/golden_reference.h"

namespace quadhop::golden {
namespace {

struct Implementation {
  const char* name;
  absl::StatusOr<GoldenOutcome> (*run)(const GoldenCase&);
  GoldenBounds (*bounds)(const GoldenCase&);
};

constexpr Implementation kImplementations[] = {
    {"reference f64", RunReference, DoubleBounds},
    {"production f32", RunProduction, FloatBounds},
};

// "gradient" of "gradient fc_in.0.weight": checks of a kind share a line.
std::string KindOf(const GoldenCheck& check) {
  for (const char* kind : {"gradient", "zero gradient", "state_after", "loss", "logits of step"})
    if (check.what.rfind(kind, 0) == 0) return kind;
  return check.what;
}

// Prints every check that fails and the worst of each kind among the others; returns whether none
// fails.
bool Report(const std::string& file, const char* implementation,
            const std::vector<GoldenCheck>& checks) {
  std::vector<GoldenCheck> lines;
  for (const GoldenCheck& check : checks) {
    const auto same = std::find_if(lines.begin(), lines.end(), [&](const GoldenCheck& line) {
      return line.ok() && check.ok() && KindOf(line) == KindOf(check);
    });
    if (same == lines.end()) {
      lines.push_back(check);
    } else if (check.error > same->error) {
      *same = check;
    }
  }
  for (const GoldenCheck& line : lines)
    absl::PrintF("%-28s %-14s %-66s %9.2e %9.2e %s\n", file, implementation, line.what, line.error,
                 line.bound, line.ok() ? "ok" : "FAIL");
  return std::all_of(lines.begin(), lines.end(), [](const GoldenCheck& line) { return line.ok(); });
}

// What plain loops in float make of the case; no check.
void ReportFloatNoise(const GoldenCase& golden, const std::string& file) {
  const absl::StatusOr<GoldenOutcome> outcome = RunReferenceInFloat(golden);
  if (outcome.ok()) Report(file, "reference f32", CompareWithGolden(golden, *outcome, NoBounds()));
}

bool CheckFile(const std::string& path) {
  const absl::StatusOr<GoldenCase> golden = LoadGoldenCase(path);
  if (!golden.ok()) {
    absl::FPrintF(stderr, "quadhop_golden: %s\n", golden.status().ToString());
    return false;
  }
  bool all_ok = true;
  for (const Implementation& implementation : kImplementations) {
    const absl::StatusOr<GoldenOutcome> outcome = implementation.run(*golden);
    if (!outcome.ok()) {
      absl::FPrintF(stderr, "quadhop_golden: %s: %s\n", implementation.name,
                    outcome.status().ToString());
      all_ok = false;
      continue;
    }
    const std::string file = path.substr(path.rfind('/') + 1);
    const auto checks = CompareWithGolden(*golden, *outcome, implementation.bounds(*golden));
    const bool is_ok = Report(file, implementation.name, checks);
    if (!is_ok && implementation.run == RunProduction) ReportFloatNoise(*golden, file);
    all_ok = all_ok && is_ok;
  }
  return all_ok;
}

}  // namespace
}  // namespace quadhop::golden

int main(int argc, char** argv) {
  if (argc < 2) {
    absl::FPrintF(stderr, "usage: quadhop_golden FILE.safetensors...\n");
    return 2;
  }
  absl::PrintF("%-28s %-14s %-66s %9s %9s\n", "case", "model", "what (the worst of its kind)",
               "error", "bound");
  bool all_ok = true;
  for (int i = 1; i < argc; ++i) all_ok = quadhop::golden::CheckFile(argv[i]) && all_ok;
  return all_ok ? 0 : 1;
}
