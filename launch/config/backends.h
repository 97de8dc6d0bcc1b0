// What computes and what draws samples, if the config leaves it open.
#pragma once

#include "launch/config.pb.h"

namespace quadhop {

bool LeavesBackendOpen(const Config& config);  // model.backend is AUTO

// Replaces AUTO: GPUs compute if all ranks have one, and draw the samples of a model that they
// compute.
void ChooseBackends(bool all_ranks_have_gpus, Config* config);

// `config` as the user gave it, but with the backends that were chosen.
Config WithBackendsOf(const Config& chosen, Config config);

// Undoes what was chosen for the host that trained: other hosts may have no GPU.
void LeaveBackendsOpen(Config* config);

}  // namespace quadhop
