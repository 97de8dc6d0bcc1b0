#include "partition/steps/provenance.h"

#include <string>

namespace quadhop {

Provenance MakeProvenance(PrepStep step, absl::string_view options, absl::string_view notes) {
  Provenance provenance;
  provenance.set_step(PrepStepName(step));
  provenance.set_options(std::string(options));
  provenance.set_notes(std::string(notes));
  return provenance;
}

}  // namespace quadhop
