// Frugality where a process may map only so much (ulimit -v, SGE's h_vmem).
#pragma once

namespace quadhop {

// If address space is limited, threads share one arena of malloc: glibc would map 128 MiB for each
// thread, of which little is ever used. Before the first thread starts.
void SpareAddressSpace();

}  // namespace quadhop
