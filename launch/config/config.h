// Reading configs: overrides, defaults, checks.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>
#include <vector>

#include "launch/config.pb.h"

namespace quadhop {

// The config of `source`, the name of a preset (in any case) or else a textproto file, with
// `overrides` ("sampler.sampled_nodes=20") applied in order. Every field of the result is set:
// those that nobody gave have their default. Enumerations may be in any case. kNotFound if `source`
// is neither; kInvalidArgument, with one line per fault for all faults at once, 20 at most (unknown
// fields, wrong types, values out of range), each naming the field, the value, what is allowed, and
// the file and line or the override.
absl::StatusOr<Config> LoadConfig(const std::string& source,
                                  absl::Span<const std::string> overrides);

// A textproto of every field that is set. The text of what LoadConfig made reads back equal.
std::string ConfigToText(const Config& config);

// Whether the best epoch is the one with the highest area under the ROC curve.
inline bool SelectsByRocAuc(const Config& config) {
  return config.train().select_by() == TrainConfig::ROC_AUC;
}

// launch/configs/NAME.textproto, compiled into the program so that it works without its source
// tree.
struct Preset {
  absl::string_view name;
  absl::string_view text;
};
absl::Span<const Preset> Presets();  // by name
std::string PresetNames();           // "a, b"

}  // namespace quadhop
