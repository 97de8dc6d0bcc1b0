// Training that may repeat its steps from recordings of them (step_recordings.h).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "model/largegt/largegt.h"

namespace quadhop {

struct RecordedTraining {
  std::vector<double> losses;
  std::vector<float> state, logits;
  bool operator==(const RecordedTraining&) const = default;
};

// Calls after_step(step, model) after each of its 18 steps: batches of two sizes in turn, and
// before the thirteenth an evaluation of all nodes, for which arrays grow.
RecordedTraining TrainWithRecordings(
    LargeGTOptions options, bool cuda_graphs,
    const std::function<void(int64_t step, LargeGT& model)>& after_step = {});

// A model as small as they come.
LargeGTOptions SmallModel();
// With all that a step can be made of: four kinds of them.
std::vector<LargeGTOptions> RecordedModels();

}  // namespace quadhop
