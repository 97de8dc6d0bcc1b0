#include "launch/commands/step_flags.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <vector>

#include "core/dtype.h"
#include "core/host_memory.h"
#include "core/status.h"
#include "launch/ranks/faults.h"
#include "launch/ranks/runtime.h"
#include "partition/encodings/encoder.h"
#include "partition/encodings/encoding_file.h"
#include "partition/steps/store_step.h"

namespace quadhop {

void StepFlags::AddStore(Flags* flags) {
  flags->String("store", &store, "NAME.qh", "the folder of the store").Required();
}

void StepFlags::AddSeed(Flags* flags) { flags->Unsigned("seed", &seed, "random seed"); }

void StepFlags::AddThreads(Flags* flags) { AddThreadsFlag(flags, &threads); }

void StepFlags::AddFailAt(Flags* flags) {
  std::vector<std::string> places = {"nowhere"};
  for (const char* step : {"import", "partition", "encode", "propagate"})
    for (const char* point : CommitPointNames()) places.push_back(absl::StrCat(step, ":", point));
  flags->Choice("fail-at", &fail_at, std::move(places), "(testing) kill the process at this point");
}

void StepFlags::AddMemory(Flags* flags) {
  flags->Bytes("memory", &memory_bytes, "memory to use (0: 80 % of what is available)");
  flags->Switch("dry-run", &dry_run,
                "print the memory, disk and time needed, check that they are there, and stop");
}

absl::Status StepFlags::PrintPlan(PrepShape shape, absl::Span<const char* const> steps) const {
  shape.parts = partition.parts;
  shape.partition_method = partition.method;
  shape.ranks = partition.num_ranks;
  shape.encode_method = encode.method;
  shape.encode_dim = encode.dim;
  shape.hops = propagate.hops;
  shape.feature_bytes = SizeOfDType(propagate.dtype);
  shape.threads = NumThreads(threads);
  QH_ASSIGN_OR_RETURN(const int64_t budget_bytes, MemoryBudget(memory_bytes));
  std::vector<StepPlan> plans;
  for (const StepPlan& plan : PlanPrep(shape, budget_bytes))
    if (std::find(steps.begin(), steps.end(), plan.step) != steps.end()) plans.push_back(plan);
  std::printf("%s", DescribePlan(plans, budget_bytes).c_str());
  std::fflush(stdout);
  return CheckPlan(plans, budget_bytes, store);
}

absl::StatusOr<bool> StepFlags::PrintPlanOfInput(absl::Span<const char* const> steps) const {
  QH_ASSIGN_OR_RETURN(const absl::optional<PrepShape> shape, MeasureInput(import));
  if (shape.has_value()) {
    QH_RETURN_IF_ERROR(PrintPlan(*shape, steps));
    return true;
  }
  std::printf("the input does not say how large it is: no plan before it is imported\n");
  std::fflush(stdout);
  return false;
}

absl::Status StepFlags::PrintPlanOfStore(absl::Span<const char* const> steps) const {
  QH_ASSIGN_OR_RETURN(
      const std::unique_ptr<Store> opened,
      dry_run ? Store::Open(store, kDerivedFiles) : OpenFinished(store, kDerivedFiles));
  return PrintPlan(PrepShape::Of(*opened), steps);
}

void StepFlags::AddImport(Flags* flags) {
  std::vector<std::string> formats = ImportFormats();
  formats.insert(formats.begin(), "auto");
  flags->String("from", &import.from, "PATH", "the folder or file to read").Required();
  flags->Choice("format", &import.format, std::move(formats),
                "the format of the input; auto finds out from the files");
  flags->Switch("directed", &import.directed,
                "keep arcs as they are; without it the inverse of every arc is added");
  flags->Int("project", &import.project, int32_t{0}, int32_t{65536},
             "project wider features to this many columns (0: do not; WordNet features: 128)");
  flags->String("features", &import.features, "X.npy",
                "features [N, F], where --from is an .npy, edge list, PyG's or scipy's .npz, "
                "Matrix Market or METIS file");
  flags->String("labels", &import.labels, "Y.npy",
                "labels [N] or [N, L], where --from is one of those files");
  flags->String(
      "splits", &import.splits, "S.npy",
      "splits [N] or [S, N] of 0 none, 1 train, 2 valid, 3 test, where the input has no split");
}

void StepFlags::AddPartition(Flags* flags, const std::string& prefix) {
  std::vector<std::string> methods = {"auto", "metis", "multilevel", "stream", "hash"};
  const bool alone = prefix.empty();  // prep is the work of one process
  if (alone) methods.emplace_back("ptscotch");
  flags->Int("parts", &partition.parts, int32_t{1}, std::numeric_limits<int32_t>::max(),
             "partitions; at least as many as there will ever be ranks");
  flags->Choice(
      prefix + "method", &partition.method, std::move(methods),
      absl::StrCat(
          "how to cut; auto: metis, or multilevel if metis needs more memory than there is",
          alone ? "; ptscotch: by several ranks, under mpirun" : ""));
  flags->Double("imbalance", &partition.imbalance, 0.001, 10,
                "allowed excess of the largest partition over the mean (at most 0.01 for training "
                "nodes, since every step waits for the slowest rank)");
}

void StepFlags::AddEncode(Flags* flags, const std::string& prefix) {
  encode_prefix = prefix;
  std::vector<std::string> methods = EncoderNames();
  methods.emplace_back("file");
  flags->Choice(prefix + "method", &encode.method, std::move(methods),
                "positional encodings: random projections, singular vectors, node2vec, return "
                "probabilities of walks, eigenvectors of the Laplacian, or a file");
  flags->Int("dim", &encode.dim, int32_t{1}, kMaxEncodingWidth,
             "width of the encodings (ignored with --" + prefix + "method file)");
  flags->String(prefix + "file", &encode.file, "FILE.npy",
                "encodings [N, G] in the order of the input, for --" + prefix + "method file");
}

void StepFlags::AddPropagate(Flags* flags) {
  flags->Int("hops", &propagate.hops, int32_t{0}, int32_t{16}, "hops of features to compute");
  flags->Choice("dtype", &dtype, {"f32", "f16", "bf16"}, "element type of hop features on disk");
}

absl::StatusOr<bool> StepFlags::Parse(Flags* flags, absl::Span<const std::string> arguments) {
  QH_ASSIGN_OR_RETURN(const bool proceed, flags->Parse(arguments));
  if (proceed && (encode.method == "file") == encode.file.empty())
    return UsageError(absl::StrCat("--", encode_prefix, "method file and --", encode_prefix,
                                   "file FILE.npy go together: one was given without the other"));
  import.store = store;
  import.seed = seed;
  partition.seed = seed;
  encode.seed = seed;
  import.memory_bytes = memory_bytes;
  partition.memory_bytes = memory_bytes;
  encode.memory_bytes = memory_bytes;
  QH_ASSIGN_OR_RETURN(propagate.dtype, ParseDType(dtype));
  propagate.memory_bytes = memory_bytes;
  import.on_commit = partition.on_commit = encode.on_commit = propagate.on_commit =
      KillAtCommit(fail_at);
  return proceed;
}

}  // namespace quadhop
