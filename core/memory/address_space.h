// Frugality where a process may map only so much (ulimit -v, SGE's h_vmem).
#pragma once

namespace quadhop {

// If so little address space is allowed that the arenas of malloc would take much of it (glibc maps
// 128 MiB for each thread, of which little is ever used), threads share one. Before the first
// thread starts.
void SpareAddressSpace();

}  // namespace quadhop
