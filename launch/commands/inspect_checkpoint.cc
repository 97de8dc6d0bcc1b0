#include "launch/commands/inspect_checkpoint.h"

#include <absl/strings/str_format.h>

#include <cstdint>
#include <cstdio>
#include <limits>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "launch/json/json_object.h"
#include "launch/results/metrics.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {
namespace {

int64_t BytesOf(const CheckpointManifest& manifest) {
  int64_t bytes = 0;
  for (const CheckpointFile& file : manifest.files()) bytes += file.bytes();
  return bytes;
}

std::string Text(const std::string& path, const CheckpointManifest& manifest) {
  const RunPosition& position = manifest.position();
  std::string text =
      absl::StrFormat("%s\n  trained    %s, %s", path, Counted(position.epoch(), "epoch"),
                      Counted(position.step(), "step"));
  if (position.under_way().steps() > 0)
    absl::StrAppendFormat(&text, ", of which %d in epoch %d", position.under_way().steps(),
                          position.epoch() + 1);
  absl::StrAppendFormat(&text, "\n  split      %s\n  best       ", position.split());
  if (position.best_epoch() == 0)
    absl::StrAppend(&text, "none yet");
  else
    absl::StrAppendFormat(&text, "valid %s, test %s, of epoch %d",
                          FigureText(position.best_valid()), FigureText(position.best_test()),
                          position.best_epoch());
  absl::StrAppendFormat(&text, "\n  store      the one with checksum %s\n  files      %d bytes\n",
                        manifest.store(), BytesOf(manifest));
  for (const CheckpointFile& file : manifest.files())
    absl::StrAppendFormat(&text, "  %-24s %15d bytes\n", file.name(), file.bytes());
  return text;
}

JsonObject Json(const std::string& path, const CheckpointManifest& manifest) {
  const RunPosition& position = manifest.position();
  const bool has_best = position.best_epoch() > 0;
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  JsonObject files;
  for (const CheckpointFile& file : manifest.files()) files.Add(file.name(), file.bytes());
  JsonObject json;
  json.Add("kind", "checkpoint").Add("path", path);
  json.Add("step", position.step()).Add("epoch", position.epoch());
  json.Add("steps_of_next_epoch", position.under_way().steps());
  json.Add("store", manifest.store()).Add("split", position.split());
  json.Add("best_valid", has_best ? position.best_valid() : kNone);
  json.Add("best_test", has_best ? position.best_test() : kNone);
  json.Add("best_epoch", position.best_epoch());
  json.Add("bytes", BytesOf(manifest)).Add("files", files);
  return json;
}

}  // namespace

absl::Status InspectCheckpoint(const std::string& path, bool as_json) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, ReadCheckpointManifest(path));
  const std::string shown = as_json ? Json(path, manifest).ToString() + "\n" : Text(path, manifest);
  std::fputs(shown.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace quadhop
