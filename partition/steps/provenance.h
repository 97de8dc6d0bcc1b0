// The record in a store's manifest of the steps that made it.
#pragma once

#include <absl/strings/string_view.h>

#include "core/store/store.pb.h"
#include "partition/steps/prep_step.h"

namespace quadhop {

Provenance MakeProvenance(PrepStep step, absl::string_view options, absl::string_view notes = "");

}  // namespace quadhop
