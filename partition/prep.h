// What `quadhop prep` skips.
//
// prep runs import, partition, encode, propagate in this order (encodings stand in for features
// that a graph does not have, so they come first). Import starts an empty provenance, so all steps
// follow it; a cut permutes what is there, so encodings and hop features stay done; encodings that
// stand in for features strike `propagate` when they are made anew. A step is therefore done when
// the provenance says so with the same options.
#pragma once

#include <absl/strings/string_view.h>

#include "core/store.h"

namespace quadhop {

// True if `step` ("import", "partition", "encode", "propagate") was done with exactly these options
// (ImportProvenance() or ToString() of the step's options) and its files are in the store.
// Store::Open has checked their sizes; their checksums are Store::VerifyAll's.
bool StepIsDone(const Store& store, absl::string_view step, absl::string_view options);

}  // namespace quadhop
