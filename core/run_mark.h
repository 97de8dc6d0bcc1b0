// What tells the folder of a run from others.
#pragma once

namespace quadhop {

// The file that makes a folder that of a run, which import and prep leave alone; what stands in it:
// launch/run/run_folder.h.
inline constexpr char kRunMark[] = "store.txt";

}  // namespace quadhop
