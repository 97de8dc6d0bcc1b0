#include "launch/commands/step_flags.h"

#include <absl/strings/str_cat.h>

#include <cstdio>
#include <limits>
#include <vector>

#include "core/arrays/dtype.h"
#include "core/base/status.h"
#include "launch/faults/faults.h"
#include "launch/ranks/runtime.h"
#include "partition/encodings/encoder.h"
#include "partition/encodings/encoding_file.h"

namespace quadhop {

void StepFlags::AddStore(Flags* flags) {
  flags->String("store", &prep.store, "NAME.qh", "the folder of the store").Required();
}

void StepFlags::AddSeed(Flags* flags) { flags->Unsigned("seed", &prep.seed, "random seed"); }

void StepFlags::AddThreads(Flags* flags) { AddThreadsFlag(flags, &threads); }

void StepFlags::AddFailAt(Flags* flags) {
  std::vector<std::string> places = {"nowhere"};
  for (const PrepStep step : kPrepSteps)
    for (const char* point : CommitPointNames())
      places.push_back(absl::StrCat(PrepStepName(step), ":", point));
  flags->Choice("fail-at", &fail_at, std::move(places), "(testing) kill the process at this point");
}

void StepFlags::AddMemory(Flags* flags) {
  flags->Bytes("memory", &prep.memory_bytes, "memory to use (0: 80 % of what is available)");
  flags->Switch("dry-run", &dry_run,
                "print the memory, disk and time needed, check that they are available, and stop");
}

void StepFlags::AddImport(Flags* flags) {
  std::vector<std::string> formats = ImportFormats();
  formats.insert(formats.begin(), "auto");
  flags->String("from", &prep.import.from, "PATH", "the folder or file to read").Required();
  flags->Choice("format", &prep.import.format, std::move(formats),
                "the format of the input; auto detects it from the files");
  flags->Switch("directed", &prep.import.directed,
                "keep arcs as they are; without this flag the reverse of every arc is added");
  flags->Switch("reverse", &prep.import.reverse,
                "with --directed: reverse the arcs, so that a node reads the nodes whose arcs lead "
                "to it, as in PyG and DGL, instead of those that its own arcs lead to");
  flags->Int("project", &prep.import.project, int32_t{0}, int32_t{65536},
             "project wider features to this many columns (0: do not; WordNet features: 128)");
  flags->Strings("nodes", &prep.import.nodes, "TABLE",
                 "a table of the nodes, separated by commas or tabs, for an edge list in --from "
                 "that has names: names, labels, splits, and columns of numbers, which are "
                 "features; a further --nodes gives more columns for the same nodes");
  flags->String(
      "id", &prep.import.id, "COLUMN",
      "the column of names in --nodes, given by its name, or by its number from 1 if there is no "
      "header (default: id, node, node_id, the only one that ends in _id, name, or the first)");
  flags->String("label", &prep.import.label, "COLUMN",
                "the column of labels in --nodes (default: label, class, target or y, or without a "
                "header the last unless it holds numbers)");
  flags->Strings("leave-out", &prep.import.left_out, "COLUMN", "a column of --nodes not to use");
  flags->Strings("one-hot", &prep.import.one_hot, "COLUMN",
                 "a column of --nodes whose distinct texts each become a feature of 0 and 1");
  flags->String("ends", &prep.import.ends, "SRC,DST",
                "the columns of an edge list that hold the ends of arcs, given by "
                "their names, or by their numbers from 1 if there is no header (default: src and "
                "dst, or the columns that hold names)");
  flags->String(
      "like", &prep.import.like, "OLD.qh",
      "a store to be like, so that a model trained on it fits the new one: its features "
      "by name and order, its categories and classes, its means for what is missing, and the "
      "means and deviations by which its features (--standardize) and encodings are scaled");
  flags->String("features", &prep.import.features, "X.npy",
                "features [N, F], if --from is an .npy, edge list, PyG's or scipy's .npz, "
                "Matrix Market or METIS file");
  flags->String("labels", &prep.import.labels, "Y.npy",
                "labels [N] or [N, L], if --from is one of those files");
  flags->String("splits", &prep.import.splits, "S.npy",
                "splits [N] or [S, N] with 0 none, 1 train, 2 valid, 3 test, or the three masks of "
                "one, [3, N], if the input has no split");
}

void StepFlags::AddPartition(Flags* flags, const std::string& prefix) {
  std::vector<std::string> methods = {"auto", "metis", "multilevel", "stream", "hash"};
  const bool alone = prefix.empty();  // prep is the work of one process
  if (alone) methods.emplace_back("ptscotch");
  flags->Int("parts", &prep.partition.parts, int32_t{1}, std::numeric_limits<int32_t>::max(),
             "number of partitions; at least as many as there will ever be ranks");
  flags->Choice(
      prefix + "method", &prep.partition.method, std::move(methods),
      absl::StrCat(
          "how to cut; auto: metis, or multilevel if metis needs more memory than there is",
          alone ? "; ptscotch: by several ranks, under mpirun" : ""));
  flags->Double("imbalance", &prep.partition.imbalance, 0.001, 10,
                "allowed excess of the largest partition over the mean (at most 0.01 for training "
                "nodes, since every step waits for the slowest rank)");
}

void StepFlags::AddEncode(Flags* flags, const std::string& prefix) {
  encode_prefix = prefix;
  std::vector<std::string> methods = EncoderNames();
  methods.emplace_back("file");
  flags->Choice(
      prefix + "method", &prep.encode.method, std::move(methods),
      "positional encodings: random projections, approximate singular vectors, node2vec, return "
      "probabilities of walks, eigenvectors of the Laplacian, or a file");
  flags->Int("dim", &prep.encode.dim, int32_t{1}, kMaxEncodingWidth,
             "width of the encodings (ignored with --" + prefix + "method file)");
  flags->String(prefix + "file", &prep.encode.file, "FILE.npy",
                "encodings [N, G] in the order of the input, for --" + prefix + "method file");
}

void StepFlags::AddPropagate(Flags* flags) {
  flags->Int("hops", &prep.propagate.hops, int32_t{0}, int32_t{16}, "hops of features to compute");
  flags->Switch(
      "standardize", &prep.propagate.standardize,
      "scale each column of the features to mean 0 and standard deviation 1 over all nodes");
  flags->Switch("with-encodings", &prep.propagate.with_encodings,
                "give nodes their encodings as further features");
  flags->Choice("dtype", &dtype, {"f32", "f16", "bf16"}, "element type of hop features on disk");
}

absl::StatusOr<bool> StepFlags::Parse(Flags* flags, absl::Span<const std::string> arguments) {
  QH_ASSIGN_OR_RETURN(const bool proceed, flags->Parse(arguments));
  if (proceed && (prep.encode.method == "file") == prep.encode.file.empty())
    return UsageError(absl::StrCat("--", encode_prefix, "method file and --", encode_prefix,
                                   "file FILE.npy go together: one was given without the other"));
  if (proceed && prep.import.reverse && !prep.import.directed)
    return UsageError(
        "--reverse reverses the arcs of a directed graph: give --directed too, or omit --reverse, "
        "because without --directed a graph has both directions of every arc");
  QH_ASSIGN_OR_RETURN(prep.propagate.dtype, ParseDType(dtype));
  prep.on_commit = KillAtCommit(fail_at);
  prep.Share();
  return proceed;
}

void PrintLines(absl::string_view lines) {
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  std::fflush(stdout);
}

}  // namespace quadhop
