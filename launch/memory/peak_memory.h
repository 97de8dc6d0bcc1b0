// The most memory that this process has held.
#pragma once

#include <cstdint>

namespace quadhop {

// Resident bytes at their peak, mapped files counted.
int64_t PeakResidentBytes();

// From here on PeakResidentBytes counts anew; where the kernel does not allow it, as before.
void ResetPeakResidentBytes();

}  // namespace quadhop
