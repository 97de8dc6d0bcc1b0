#include "partition/prep.h"

#include <algorithm>
#include <vector>

namespace quadhop {
namespace {

std::vector<absl::string_view> FilesOf(absl::string_view step) {
  if (step == "encode") return {"pos_enc.npy"};
  if (step == "propagate") return {"features.npy"};
  return {"indptr.npy", "indices.npy", "original_ids.npy"};
}

}  // namespace

bool StepIsDone(const Store& store, absl::string_view step, absl::string_view options) {
  const Provenance* done = store.FindStep(step);
  if (done == nullptr || done->options() != options) return false;
  const std::vector<absl::string_view> files = FilesOf(step);
  return std::all_of(files.begin(), files.end(),
                     [&](absl::string_view name) { return store.HasFile(name); });
}

}  // namespace quadhop
