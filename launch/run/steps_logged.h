// How far a run came, according to its metrics.
#pragma once

#include <cstdint>
#include <string>

namespace quadhop {

// One more than the last step in the lines of RUN/metrics.jsonl; 0 if there is none, or no such
// file.
int64_t StepsLogged(const std::string& run);

}  // namespace quadhop
