// A step on an existing store: opened for reading and for writing at once.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <memory>
#include <string>

#include "core/store/store.h"
#include "core/store/store_writer.h"

namespace quadhop {

// The files that steps after the import make of the others, and can make again.
inline constexpr absl::string_view kDerivedFiles[] = {"features.npy", "pos_enc.npy",
                                                      "pos_enc_moments.npy"};

struct StoreStep {
  std::unique_ptr<StoreWriter> writer;
  std::unique_ptr<Store> store;
};

// The writer comes first, so that what is read is what stays in force until the step is committed.
// Files of `may_lack` that are missing or damaged (Store::Open) are left out of both: a step names
// those that it does not read. An interrupted commit is finished. Errors of Store::Open and
// StoreWriter::Begin.
absl::StatusOr<StoreStep> BeginStep(const std::string& path,
                                    absl::Span<const absl::string_view> may_lack, CommitHook hook);

// Like Store::Open, but an interrupted commit is finished first.
absl::StatusOr<std::unique_ptr<Store>> OpenFinished(const std::string& path,
                                                    absl::Span<const absl::string_view> may_lack);

}  // namespace quadhop
