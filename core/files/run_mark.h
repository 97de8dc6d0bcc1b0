// What distinguishes the folder of a run from others.
#pragma once

namespace quadhop {

// The file that marks a folder as that of a run, which import and prep leave alone; for its
// contents see launch/run/run_folder.h.
inline constexpr char kRunMark[] = "store.txt";

}  // namespace quadhop
