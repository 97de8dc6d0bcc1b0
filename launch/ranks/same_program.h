// Whether all ranks of a job run the same program.
#pragma once

#include <absl/status/status.h>

#include "comm/collectives/communicator.h"

namespace quadhop {

// Prints, on rank 0, which ranks run another build of quadhop than rank 0 does, by a checksum of
// the file: each is right by itself, but they may not understand each other's messages, nor compute
// the same digits. Collective.
absl::Status WarnOfOtherPrograms(Communicator& comm);

}  // namespace quadhop
