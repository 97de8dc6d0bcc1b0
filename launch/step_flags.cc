#include "launch/step_flags.h"

#include <limits>

#include "core/dtype.h"
#include "core/status.h"
#include "launch/runtime.h"

namespace quadhop {

void StepFlags::AddStore(Flags* flags) {
  flags->String("store", &store, "NAME.qh", "the folder of the store").Required();
}

void StepFlags::AddSeed(Flags* flags) { flags->Unsigned("seed", &seed, "of what is random"); }

void StepFlags::AddThreads(Flags* flags) { AddThreadsFlag(flags, &threads); }

void StepFlags::AddImport(Flags* flags) {
  std::vector<std::string> formats = ImportFormats();
  formats.insert(formats.begin(), "auto");
  flags->String("from", &import.from, "PATH", "the folder or file to read").Required();
  flags->Choice("format", &import.format, std::move(formats),
                "its format; auto looks at the files");
  flags->Switch("directed", &import.directed,
                "keep arcs as they are; without it the inverse of every arc is added");
  flags->Int("project", &import.svd_dim, int32_t{1}, int32_t{65536},
             "columns that features made of words are reduced to");
}

void StepFlags::AddPartition(Flags* flags, const std::string& prefix) {
  flags->Int("parts", &partition.parts, int32_t{1}, std::numeric_limits<int32_t>::max(),
             "partitions: at least as many as ranks will train on it");
  flags->Choice(prefix + "method", &partition.method, {"metis", "hash"},
                "how to cut: few arcs between partitions, or by a hash");
  flags->Double("imbalance", &partition.imbalance, 0.001, 10,
                "how far the largest partition may pass the mean, as a share");
}

void StepFlags::AddEncode(Flags* flags, const std::string& prefix) {
  flags->Choice(prefix + "method", &encode.method, {"fastrp", "svd", "file"},
                "positional encodings: random projections or singular vectors of the graph, or a "
                "file");
  flags->Int("dim", &encode.dim, int32_t{1}, int32_t{65536}, "width of fastrp and svd encodings");
  flags->String(prefix + "file", &encode.file, "FILE.npy",
                "encodings [N, G] in the order of the input, for the method file");
}

void StepFlags::AddPropagate(Flags* flags) {
  flags->Int("hops", &propagate.hops, int32_t{0}, int32_t{16}, "hop features to compute");
  flags->Choice("dtype", &dtype, {"f32", "f16", "bf16"}, "of the hop features on disk");
}

absl::StatusOr<bool> StepFlags::Parse(Flags* flags, absl::Span<const std::string> arguments) {
  QH_ASSIGN_OR_RETURN(const bool proceed, flags->Parse(arguments));
  import.store = store;
  import.seed = seed;
  partition.seed = seed;
  encode.seed = seed;
  QH_ASSIGN_OR_RETURN(propagate.dtype, ParseDType(dtype));
  return proceed;
}

}  // namespace quadhop
