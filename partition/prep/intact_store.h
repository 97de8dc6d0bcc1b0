// What of a store earlier steps have left whole, for prep to go on from.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "partition/steps/prep_step.h"

namespace quadhop {

// True if `step` was done with exactly these options (ImportProvenance() or ToString() of the
// step's options), and its files are in the store. Store::Open has checked their sizes; their
// checksums are Store::VerifyAll's.
bool StepIsDone(const Store& store, PrepStep step, absl::string_view options);

struct IntactStore {
  std::unique_ptr<Store> store;  // nullptr: there is none to go on from
  std::string damage;            // what was wrong, for people; "": nothing
};

// The store as earlier steps left it: a commit that was interrupted is finished, and every file is
// checked. Encodings and hop features that are missing or damaged are taken out of the store, with
// their steps; if another file is, or the manifest, there is no store to go on from. Errors of
// Store::Open and StoreWriter.
absl::StatusOr<IntactStore> OpenIntact(const std::string& path, ThreadPool& pool);
// What OpenIntact would find, except for what only reading every file shows. Changes nothing.
absl::StatusOr<IntactStore> LookAtStore(const std::string& path);

}  // namespace quadhop
