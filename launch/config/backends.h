// Who computes and who draws samples, where the config leaves it open.
#pragma once

#include "launch/config.pb.h"

namespace quadhop {

bool LeavesBackendOpen(const Config& config);  // model.backend is AUTO

// Puts what stands for AUTO in its place: GPUs compute if all ranks have one, and draw the samples
// of a model that they compute.
void ChooseBackends(bool all_ranks_have_gpus, Config* config);

// As the user gave it, but for the backends that were chosen.
Config WithBackendsOf(const Config& chosen, Config config);

// Takes back what was chosen for the host that trained: others may have no GPU.
void LeaveBackendsOpen(Config* config);

}  // namespace quadhop
