// `quadhop synth`: the fixed test graphs of DESIGN.md section 8.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "core/threads/thread_pool.h"
#include "partition/import/target/import_report.h"

namespace quadhop {

// The defaults are "synth 1M".
struct SynthOptions {
  int64_t nodes = 1'000'000;  // in [2, 2^32)
  double degree = 50;         // mean, after duplicates and self-loops are gone; > 0
  int64_t features = 100;     // 0: none
  int64_t classes = 47;       // in [1, nodes]
  uint64_t seed = 0;
  std::string out{};  // the folder of OGB's raw layout, or of the store
  bool to_store = false;
  int64_t memory_bytes = 0;  // 0: 80 % of what is available
};

// Makes the graph in `out`. It is a function of the options alone, and the store is the same as an
// import of the folder would make. In OGB's layout each undirected edge stands once; files are
// compressed by ISA-L, whose bytes (not what they inflate to) may differ between kinds of CPU.
// kInvalidArgument, naming the option, if one is out of range or the degree cannot be reached;
// kFailedPrecondition if the folder holds anything else; errors of files as usual. On error a store
// is as it was; in a folder, files may be left.
absl::StatusOr<ImportReport> Synth(const SynthOptions& options, ThreadPool& pool);

}  // namespace quadhop
