// quadhop synth --nodes N --out DIR
#include <cstdio>
#include <limits>

#include "core/base/status.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/ranks/cores.h"
#include "partition/synth/synth.h"

namespace quadhop {

absl::StatusOr<ExitCode> SynthCommand(absl::Span<const std::string> arguments) {
  constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
  SynthOptions synth;
  int64_t threads = 0;
  Flags flags("synth",
              "Generates a graph with power-law degrees and planted classes (DESIGN.md section 8), "
              "in OGB's raw layout or as a store.");
  flags.String("out", &synth.out, "DIR", "the folder to write").Required();
  flags.Int("nodes", &synth.nodes, int64_t{2}, (int64_t{1} << 32) - 1, "number of nodes");
  flags.Double("degree", &synth.degree, 1e-9, 1e9, "mean degree");
  flags.Int("features", &synth.features, int64_t{0}, kAny, "features per node");
  flags.Int("classes", &synth.classes, int64_t{1}, kAny,
            "number of planted classes (at most the number of nodes)");
  flags.Unsigned("seed", &synth.seed, "random seed");
  flags.Switch("to-store", &synth.to_store,
               "write the store that import would make from the folder, instead of the folder");
  flags.Bytes("memory", &synth.memory_bytes, "memory to use (0: 80 % of what is available)");
  AddThreadsFlag(&flags, &threads);
  flags.Example("synth --nodes 100000 --degree 20 --out dataset/synth100k");
  flags.Example("synth --to-store --out stores/synth1m.qh");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  ThreadPool pool(NumThreads(threads));
  QH_ASSIGN_OR_RETURN(const ImportReport report, Synth(synth, pool));
  std::printf("%s\n%s\n", synth.out.c_str(), report.Describe().c_str());
  return ExitCode::kDone;
}

}  // namespace quadhop
