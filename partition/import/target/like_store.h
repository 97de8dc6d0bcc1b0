// The store that an import makes its own like, `--like`: so that a model trained on that store, or
// on the one that it is like, fits the new one.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>
#include <vector>

#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "partition/linear_algebra/standardize.h"

namespace quadhop {

// What tells stores apart whose features and classes mean different things: 16 hex digits of the
// import, or, of a store that is like another, of that one's.
std::string LikeIdentity(const StoreManifest& manifest);
// The same for the scale of encodings whose columns mean the same on every graph; "" if the store
// has no such encodings, nor is like one that has.
std::string EncodingScale(const StoreManifest& manifest);

// What the import of a store that is like this one is recorded with: "like=HEX", and, if the scale
// of its encodings can be taken, "encodings-like=HEX".
std::string LikeOptions(const StoreManifest& manifest);

// Immutable, and so thread-safe.
class LikeStore {
 public:
  // Reads its features, after checking them. Errors of RawFeatures and Store.
  static absl::StatusOr<LikeStore> Open(const std::string& path, ThreadPool& pool);

  const std::string& path() const { return path_; }
  const StoreManifest& manifest() const { return manifest_; }

  // [W], of the features or what stands in for them: by which these are standardised. Missing ones
  // were set to the means, which that left as they were.
  const ColumnMoments& moments() const { return moments_; }

  // Adds its moments, those of its features and of its encodings, to a store in the making.
  absl::Status AddMomentsTo(StoreWriter& writer) const;
  // Why encodings of that store will be on a scale of their own; "" if there is no reason.
  std::string NoteOnEncodings() const;

  // The texts that are features of a column, "Rome" for "city=Rome". kFailedPrecondition if there
  // are none.
  absl::StatusOr<std::vector<std::string>> CategoriesOf(absl::string_view column) const;

  // kFailedPrecondition, naming the first that differs, unless the features are as many, and have
  // the same names, in whatever case.
  absl::Status CheckFeatures(int64_t num_features, absl::Span<const std::string> names) const;
  // The same for classes, for a store that has labels.
  absl::Status CheckClasses(int64_t num_classes, bool multi_label,
                            absl::Span<const std::string> names) const;

 private:
  LikeStore() = default;
  std::string path_;
  StoreManifest manifest_;
  ColumnMoments moments_;
  ColumnMoments encoding_moments_;  // of EncodingsToTake; empty: there are none
};

}  // namespace quadhop
