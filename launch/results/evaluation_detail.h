// Where a model is right and wrong on one part of a split: by class, and by degree.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <vector>

#include "comm/communicator.h"
#include "launch/json/json_object.h"

namespace quadhop {

// Whole numbers, so they are equal on any number of ranks. Of tasks with one label a node.
class EvaluationDetail {
 public:
  explicit EvaluationDetail(int32_t num_classes);

  // A node of out-degree `degree`, of class `label`, for which `predicted` was said.
  void Add(int32_t predicted, int32_t label, int64_t degree);
  // Over all ranks. Collective.
  absl::Status Sum(Communicator& comm);

  // Whether nodes of several classes are all said to be of one. Of kMaxConfusionClasses at most.
  bool SaysOneClass() const;
  // {"confusion":[[..C..]..C..], "degrees":[{"from":0,"nodes":3,"right":2},...]}: row i of the
  // confusion has the nodes of class i by what was said of them; it is left out beyond
  // kMaxConfusionClasses. Degrees are in ranges [0, 1), [1, 2), [2, 4), [4, 8), ..., those without
  // nodes left out.
  JsonObject ToJson() const;

  static constexpr int32_t kMaxConfusionClasses = 256;

 private:
  int64_t num_classes_;             // 0: too many for a confusion
  std::vector<int64_t> confusion_;  // [C, C]
  std::vector<int64_t> by_degree_;  // [kNumRanges, 2]: nodes, and those of them right
};

}  // namespace quadhop
