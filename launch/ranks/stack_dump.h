// Where the threads of a process are, for the log of one that ends.
#pragma once

#include <cstdint>

namespace quadhop {

// Writes to stderr what every thread of this process, which is `rank`, is in the midst of: names of
// functions, or addresses for addr2line. Takes at most about 2 s, whatever the threads wait for.
//
// Only for a process that is about to end: the signal that it sends to each thread may destroy what
// a product of oneDNN keeps below its stack (DESIGN.md section 2, "Stops and faults"). A thread
// that goes on and faults then ends the process with exit code 1.
void DumpStacks(int32_t rank);

}  // namespace quadhop
