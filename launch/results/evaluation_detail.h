// Where a model is right and wrong on one part of a split: by class, and by degree.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <vector>

#include "comm/collectives/communicator.h"
#include "launch/json/json_object.h"

namespace quadhop {

// Counts are whole numbers, so they are equal on any number of ranks. For tasks with one label per
// node.
class EvaluationDetail {
 public:
  explicit EvaluationDetail(int32_t num_classes);

  // Adds a node of out-degree `degree` and class `label`, for which `predicted` was predicted.
  void Add(int32_t predicted, int32_t label, int64_t degree);
  // Sums the counts over all ranks. Collective.
  absl::Status Sum(Communicator& comm);

  // Whether nodes of several classes are all predicted to be of one. False if there are more than
  // kMaxConfusionClasses classes.
  bool PredictsOneClass() const;
  // {"confusion":[[..C..]..C..], "degrees":[{"from":0,"nodes":3,"right":2},...]}: row i of the
  // confusion has the nodes of class i by predicted class; it is left out if there are more than
  // kMaxConfusionClasses classes. Degrees are in ranges [0, 1), [1, 2), [2, 4), [4, 8), ...; ranges
  // without nodes are left out.
  JsonObject ToJson() const;

  static constexpr int32_t kMaxConfusionClasses = 256;

 private:
  int64_t num_classes_;             // 0: too many for a confusion
  std::vector<int64_t> confusion_;  // [C, C]
  std::vector<int64_t> by_degree_;  // [kNumRanges, 2]: nodes, and how many are right
};

}  // namespace quadhop
