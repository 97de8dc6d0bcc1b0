#include "partition/provenance.h"

#include <string>

namespace quadhop {

Provenance MakeProvenance(absl::string_view step, absl::string_view options,
                          absl::string_view notes) {
  Provenance provenance;
  provenance.set_step(std::string(step));
  provenance.set_options(std::string(options));
  provenance.set_notes(std::string(notes));
  return provenance;
}

void StrikeStep(StoreManifest& manifest, absl::string_view step) {
  auto& steps = *manifest.mutable_provenance();
  for (int i = steps.size() - 1; i >= 0; --i)
    if (steps[i].step() == step) steps.DeleteSubrange(i, 1);
}

}  // namespace quadhop
