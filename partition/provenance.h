// The record in a store's manifest of the steps that made it.
#pragma once

#include <absl/strings/string_view.h>

#include "core/store.pb.h"

namespace quadhop {

Provenance MakeProvenance(absl::string_view step, absl::string_view options,
                          absl::string_view notes = "");

// Forgets a step whose result is not valid any more. Nothing if it is not there.
void StrikeStep(StoreManifest& manifest, absl::string_view step);

}  // namespace quadhop
