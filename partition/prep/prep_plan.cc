#include "partition/prep/prep_plan.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>

#include "core/arrays/dtype.h"
#include "core/base/casts.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/memory/host_memory.h"
#include "core/store/manifest.h"
#include "core/store/topology.h"
#include "partition/cuts/metis_graph.h"
#include "partition/cuts/partitioner.h"
#include "partition/encodings/encoder.h"
#include "partition/features/propagate.h"
#include "partition/import/target/graph_builder.h"
#include "partition/import/target/import_target.h"

namespace quadhop {
namespace {

constexpr int64_t kFloatBytes = 4;
constexpr int64_t kImportBytes = int64_t{200} << 20;  // of the program, buffers of text and sorting
constexpr int64_t kBaseBytes = int64_t{8} << 20;      // of the program in the other steps

// Seconds of processor time, which is divided by the threads:
constexpr double kImportSecondsAnArc = 150e-9;    // parsed, sorted, merged
constexpr double kImportSecondsAFeature = 45e-9;  // parsed from csv
constexpr double kClusterSecondsAnArc = 170e-9;
constexpr double kClusterSecondsANode = 10600e-9;
constexpr double kPtscotchSecondsAnArc = 2100e-9;
constexpr double kProductSecondsAnArcColumn = 0.5e-9;
constexpr double kEncodeSecondsAValue = 100e-9;  // random numbers, norms
// and those of one thread, or of the disk.
constexpr double kMetisSecondsAnArc = 250e-9;
constexpr double kMetisSecondsANode = 19000e-9;
constexpr double kReorderSecondsAByte = 2e-9;
constexpr double kScratchSecondsAByte = 2e-9;  // written and read back
constexpr double kWriteSecondsAByte = 5e-9;

int64_t ImportedBytes(const PrepShape& shape) {
  const int64_t a_node = 8 /*indptr*/ + 4 /*label*/ + 1 /*split*/ + 8 /*id*/;
  return shape.nodes * (a_node + kFloatBytes * shape.features) + shape.arcs * IdBytes(shape.nodes);
}

StepPlan PlanImport(const PrepShape& shape, int64_t memory_bytes) {
  const StepNeeds needs =
      GraphBuilder::Needs({shape.nodes, false, false, ArcsMemoryBytes(memory_bytes)}, shape.arcs);
  StepPlan plan;
  plan.step = PrepStep::kImport;
  plan.least_bytes = kImportBytes + shape.name_bytes + needs.least_bytes;
  plan.memory_bytes = kImportBytes + shape.name_bytes + needs.memory_bytes;
  plan.scratch_bytes = needs.scratch_bytes;
  plan.disk_bytes = ImportedBytes(shape);
  plan.seconds = (AsDouble(shape.arcs) * kImportSecondsAnArc +
                  AsDouble(shape.nodes) * AsDouble(shape.features) * kImportSecondsAFeature) /
                     shape.threads +
                 AsDouble(plan.disk_bytes) * kReorderSecondsAByte;
  return plan;
}

StepPlan PlanPartition(const PrepShape& shape, int64_t memory_bytes) {
  StepPlan plan;
  plan.step = PrepStep::kPartition;
  const int64_t held = shape.nodes * 9 /* order, training nodes */ +
                       (shape.cut_before ? 8 * shape.nodes + IdBytes(shape.nodes) * shape.arcs : 0);
  const int64_t metis_arcs = MetisArcs(shape.arcs, shape.directed);
  const bool metis_fits = MetisFits(shape.nodes, shape.arcs, shape.directed, memory_bytes - held);
  plan.how = shape.partition_method == "auto" ? (metis_fits ? "metis" : "multilevel")
                                              : shape.partition_method;
  const int64_t numbering = shape.nodes * 40;
  StepNeeds needs;
  if (plan.how == "metis") {
    needs = StepNeeds::AllInMemory(MetisBytes(shape.nodes, metis_arcs));
    plan.seconds = AsDouble(metis_arcs) * kMetisSecondsAnArc +
                   AsDouble(std::min(shape.nodes, shape.arcs)) * kMetisSecondsANode;
  } else if (plan.how == "multilevel") {
    needs = MultilevelNeeds(shape.nodes, metis_arcs, shape.parts, shape.threads);
    plan.seconds = (AsDouble(metis_arcs) * kClusterSecondsAnArc +
                    AsDouble(shape.nodes) * kClusterSecondsANode) /
                   shape.threads;
  } else if (plan.how == "ptscotch") {
    needs = StepNeeds::AllInMemory(shape.arcs / shape.ranks * kPtscotchBytesPerArc);
    plan.seconds = AsDouble(shape.arcs) * kPtscotchSecondsAnArc / shape.ranks;
  }
  plan.least_bytes = held + std::max(needs.least_bytes, kBaseBytes + numbering);
  const int64_t room_bytes = needs.memory_bytes - needs.least_bytes;
  plan.memory_bytes = std::clamp(memory_bytes, plan.least_bytes, plan.least_bytes + room_bytes);
  plan.disk_bytes = ImportedBytes(shape) + shape.derived_bytes;
  plan.seconds += AsDouble(plan.disk_bytes) * kReorderSecondsAByte;
  return plan;
}

StepPlan PlanEncode(const PrepShape& shape, int64_t memory_bytes) {
  StepPlan plan;
  plan.step = PrepStep::kEncode;
  plan.how = shape.encode_method;
  const absl::StatusOr<const EncodingMethod*> method = FindEncoder(shape.encode_method);
  const StepNeeds needs =
      method.ok() ? (*method)->needs(shape.nodes, shape.encode_dim) : StepNeeds();  // a file
  plan.least_bytes = kBaseBytes + needs.least_bytes;
  plan.memory_bytes = std::clamp(memory_bytes, plan.least_bytes, kBaseBytes + needs.memory_bytes);
  if (plan.memory_bytes < kBaseBytes + needs.memory_bytes) plan.scratch_bytes = needs.scratch_bytes;
  plan.disk_bytes = shape.nodes * shape.encode_dim * kFloatBytes;
  const double products = method.ok() ? AsDouble((*method)->products) : 0;
  plan.seconds = (products * AsDouble(shape.arcs) * shape.encode_dim * kProductSecondsAnArcColumn +
                  AsDouble(shape.nodes) * shape.encode_dim * kEncodeSecondsAValue) /
                     shape.threads +
                 AsDouble(plan.disk_bytes) * kWriteSecondsAByte +
                 AsDouble(plan.scratch_bytes) * kScratchSecondsAByte;
  return plan;
}

StepPlan PlanPropagate(const PrepShape& shape, int64_t memory_bytes) {
  StepPlan plan;
  plan.step = PrepStep::kPropagate;
  const bool has_encodings = shape.features == 0 || shape.features_with_encodings;
  const int64_t width = shape.features + (has_encodings ? shape.encode_dim : 0);
  const StepNeeds needs = PropagateNeeds(shape.nodes, width, shape.hops, shape.feature_bytes);
  plan.least_bytes = kBaseBytes + needs.least_bytes;
  plan.memory_bytes =
      std::clamp(memory_bytes, plan.least_bytes, std::max(plan.least_bytes, needs.memory_bytes));
  if (memory_bytes < needs.memory_bytes) plan.scratch_bytes = needs.scratch_bytes;
  plan.disk_bytes = shape.nodes * (1 + shape.hops) * width * shape.feature_bytes;
  plan.seconds = shape.hops * AsDouble(shape.arcs) * AsDouble(width) * kProductSecondsAnArcColumn /
                     shape.threads +
                 AsDouble(plan.disk_bytes) * kWriteSecondsAByte +
                 AsDouble(plan.scratch_bytes) * kScratchSecondsAByte;
  return plan;
}

// Whether what a step makes takes the place of what is there: a store that is cut, or what was made
// before.
bool TakesThePlaceOfFiles(PrepStep step, const std::string& folder) {
  const auto has = [&folder](absl::string_view file) {
    return FileExists(absl::StrCat(folder, "/", file));
  };
  switch (step) {
    case PrepStep::kImport:
      return has(kStoreManifestName);
    case PrepStep::kPartition:
      return true;
    case PrepStep::kEncode:
      return has("pos_enc.npy");
    case PrepStep::kPropagate:
      return has("features.npy");
  }
  return false;
}

}  // namespace

std::vector<StepPlan> PlanPrep(const PrepShape& shape, int64_t memory_bytes) {
  return {PlanImport(shape, memory_bytes), PlanPartition(shape, memory_bytes),
          PlanEncode(shape, memory_bytes), PlanPropagate(shape, memory_bytes)};
}

std::string DescribePlan(const std::vector<StepPlan>& steps, int64_t memory_bytes) {
  std::string text =
      absl::StrFormat("%-11s %-11s %11s %11s %11s %11s   (memory allowed: %s)\n", "step", "method",
                      "memory", "disk", "scratch", "seconds", BytesText(memory_bytes));
  for (const StepPlan& step : steps)
    absl::StrAppendFormat(&text, "%-11s %-11s %11s %11s %11s %11.0f%s\n", PrepStepName(step.step),
                          step.how.empty() ? "-" : step.how, BytesText(step.memory_bytes),
                          BytesText(step.disk_bytes), BytesText(step.scratch_bytes), step.seconds,
                          step.least_bytes > memory_bytes ? "   needs more" : "");
  return text;
}

absl::Status CheckPlan(const std::vector<StepPlan>& steps, int64_t memory_bytes,
                       const std::string& folder) {
  QH_ASSIGN_OR_RETURN(int64_t free_bytes, FreeDiskBytes(folder));
  for (const StepPlan& step : steps) {
    if (step.least_bytes > memory_bytes)
      return absl::ResourceExhaustedError(absl::StrCat(
          PrepStepName(step.step), step.how.empty() ? "" : absl::StrCat(" by ", step.how),
          " needs at least ", BytesText(step.least_bytes), " of memory, but only ",
          BytesText(memory_bytes), " may be used: raise --memory",
          step.how == "metis"        ? ", or cut by multilevel"
          : step.how == "multilevel" ? ", or cut by stream or hash"
                                     : ""));
    if (step.disk_bytes + step.scratch_bytes > free_bytes)
      return absl::ResourceExhaustedError(absl::StrCat(
          PrepStepName(step.step), " needs ", BytesText(step.disk_bytes + step.scratch_bytes),
          " on the disk of ", folder, ", which has ", BytesText(free_bytes),
          " free then: make room, or use another disk"));
    if (!TakesThePlaceOfFiles(step.step, folder)) free_bytes -= step.disk_bytes;
  }
  return absl::OkStatus();
}

}  // namespace quadhop
