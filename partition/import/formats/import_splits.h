// Splits out of the arrays of a file.
//
// Reads block by block and checks every element. Errors are kInvalidArgument, naming the array, the
// element, what it is and what is allowed, and those of ArraySource and ImportTarget.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/store/store.h"
#include "partition/import/arrays/array_source.h"
#include "partition/import/arrays/named_arrays.h"
#include "partition/import/target/import_target.h"

namespace quadhop {

// Takes the arrays train_masks, val_masks and test_masks (or valid_masks; or each without the s),
// of 0 and 1, [N], or [S, N] or [N, S] for S splits: "split", or "split0", "split1", ...; a mask of
// one split beside others of several counts for all of them. Else train_idx, val_idx and test_idx
// (or valid_idx; or each in _index, _indices, _ids or _nid): node ids of one split. Without such
// arrays the split is a random one of the labelled nodes. Notes the arrays that are neither these
// nor `used`. If there are arrays of only one or two parts, and --splits is not given, the error
// names those that are missing.
absl::Status ImportSplitsOrRandomSplit(const NamedArrays& arrays, std::vector<std::string> used,
                                       ImportTarget& target);
// [N] or [S, N] of 0 none, 1 train, 2 valid, 3 test, named as above. Several rows that are only 0
// and 1 are masks: three of one split, without a node in two of them; else kInvalidArgument.
absl::Status ImportSplits(ArraySource splits, ImportTarget& target);

// A split as it is read, one part after another.
class SplitParts {
 public:
  SplitParts(absl::string_view name, int64_t num_nodes);

  // Adds lists of node ids; place_of(i) says where ids[i] stands. kInvalidArgument for an id out of
  // range, or one that is in another part.
  absl::Status Add(SplitPart part, absl::Span<const int64_t> ids,
                   absl::FunctionRef<std::string(int64_t)> place_of);
  // With a note of ids that were repeated.
  void AddTo(ImportTarget& target) &&;

 private:
  std::string name_;
  std::vector<uint8_t> parts_;  // [N]
  int64_t num_repeated_ = 0;
};

inline constexpr std::array<SplitPart, 3> kSplitParts = {SplitPart::kTrain, SplitPart::kValid,
                                                         SplitPart::kTest};

// Node ids of train, valid and test, which stand at `place`.
absl::Status AddSplitOfIds(absl::string_view name, const std::array<std::vector<int64_t>, 3>& ids,
                           const std::string& place, ImportTarget& target);

}  // namespace quadhop
