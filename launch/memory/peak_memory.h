// The most memory that this process has held.
#pragma once

#include <cstdint>

namespace quadhop {

// Resident bytes at their peak, including mapped files.
int64_t PeakResidentBytes();

// From here on PeakResidentBytes counts anew, unless the kernel does not allow it.
void ResetPeakResidentBytes();

}  // namespace quadhop
