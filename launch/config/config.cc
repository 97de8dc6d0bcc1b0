#include "launch/config/config.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>
#include <absl/time/time.h>
#include <google/protobuf/text_format.h>

#include <map>

#include "comm/heartbeat/heartbeat.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "launch/config/config_fields.h"
#include "launch/config/config_reader.h"

namespace quadhop {
namespace {

constexpr size_t kFaultsShown = 20;

absl::StatusOr<std::string> ConfigText(const std::string& source) {
  for (const Preset& preset : Presets()) {
    const bool is_file = preset.name != source && FileExists(source);
    if (absl::EqualsIgnoreCase(preset.name, source) && !is_file) return std::string(preset.text);
  }
  QH_ASSIGN_OR_RETURN(const bool is_there, IsPresent(source));
  if (is_there) {
    QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(source, int64_t{1} << 20));
    return std::string(absl::StripPrefix(text, kByteOrderMark));
  }
  return absl::NotFoundError(
      absl::StrCat("config ", source, " is neither a file nor a preset; presets: ", PresetNames()));
}

std::vector<Assignment> ReadOverrides(absl::Span<const std::string> overrides,
                                      std::vector<std::string>* faults) {
  std::vector<Assignment> assignments;
  for (const std::string& text : overrides) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      faults->push_back(
          absl::StrCat("--set ", text, ": expected FIELD=VALUE, such as sampler.sampled_nodes=20"));
      continue;
    }
    assignments.push_back({std::string(absl::StripAsciiWhitespace(text.substr(0, equals))),
                           std::string(absl::StripAsciiWhitespace(text.substr(equals + 1))),
                           absl::StrCat("--set ", text)});
  }
  return assignments;
}

void Apply(absl::Span<const Assignment> assignments, Config* config,
           std::vector<std::string>* faults) {
  for (const Assignment& assignment : assignments) {
    const absl::Status status = SetField(config, assignment.field, assignment.value);
    if (!status.ok())
      faults->push_back(absl::StrCat(assignment.place, ": ", Printable(status.message())));
  }
}

void FindRepeated(absl::Span<const Assignment> assignments, std::vector<std::string>* faults) {
  std::map<std::string, std::string> places;
  for (const Assignment& assignment : assignments) {
    const auto [first, is_new] = places.emplace(assignment.field, assignment.place);
    if (is_new) continue;
    faults->push_back(absl::StrCat(assignment.place, ": ", assignment.field, " is set to ",
                                   Printable(assignment.value), ", but it was set before at ",
                                   first->second));
  }
}

void FindContradictions(const Config& config, std::vector<std::string>* faults) {
  const TrainConfig& train = config.train();
  const absl::Status heartbeat = CheckHeartbeat({absl::Seconds(train.heartbeat_interval_seconds()),
                                                 absl::Seconds(train.heartbeat_timeout_seconds())});
  const bool is_sent = train.heartbeat_interval_seconds() > 0;
  if (is_sent && !heartbeat.ok()) faults->push_back(std::string(heartbeat.message()));
}

}  // namespace

std::string PresetNames() {
  return absl::StrJoin(Presets(), ", ", [](std::string* out, const Preset& preset) {
    absl::StrAppend(out, preset.name);
  });
}

absl::StatusOr<Config> LoadConfig(const std::string& source,
                                  absl::Span<const std::string> overrides) {
  QH_ASSIGN_OR_RETURN(const std::string text, ConfigText(source));
  std::vector<std::string> faults;
  Config config;
  const std::vector<Assignment> from_file = ReadAssignments(text, source, &faults);
  FindRepeated(from_file, &faults);
  Apply(from_file, &config, &faults);
  Apply(ReadOverrides(overrides, &faults), &config, &faults);
  FindContradictions(config, &faults);
  if (!faults.empty()) {
    const size_t num_faults = faults.size();
    if (num_faults > kFaultsShown) {
      faults.resize(kFaultsShown);
      faults.push_back(absl::StrCat("and ", num_faults - kFaultsShown, " more"));
    }
    return absl::InvalidArgumentError(absl::StrCat("config ", source, " has ", num_faults,
                                                   num_faults == 1 ? " fault:\n  " : " faults:\n  ",
                                                   absl::StrJoin(faults, "\n  ")));
  }
  FillDefaults(&config);
  return config;
}

std::string ConfigToText(const Config& config) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(config, &text);
  return text;
}

}  // namespace quadhop
