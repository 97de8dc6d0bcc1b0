// quadhop inspect PATH [--json]
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/inspect_checkpoint.h"
#include "launch/commands/paths.h"
#include "launch/json/json_object.h"
#include "launch/ranks/cores.h"
#include "launch/results/majority_class.h"
#include "launch/results/node_selection.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_folder.h"
#include "launch/run/run_paths.h"
#include "launch/session/class_counts.h"
#include "partition/graph/statistics.h"
#include "partition/graph/structure.h"

namespace quadhop {
namespace {

struct ClassFigures {
  std::string name;  // its number, if it has none
  int64_t nodes;     // that have it as their label
};

struct StoreFigures {
  GraphStatistics graph;
  std::vector<ClassFigures> classes;  // that occur, in their order; none if nodes have several
  GraphStructure structure;
  std::vector<std::string> hub_names;  // of structure.hubs
  double majority_class_test_accuracy = 0;
};

std::vector<ClassFigures> ClassesOf(const StoreManifest& manifest, const ClassCounts& counts) {
  std::map<int32_t, int64_t> nodes;
  for (const auto& [label, of_class] : counts)
    nodes[label] = std::accumulate(of_class.by_part.begin(), of_class.by_part.end(), int64_t{0});
  std::vector<ClassFigures> classes;
  for (const auto& [label, num_nodes] : nodes)
    classes.push_back({ClassName(manifest, label), num_nodes});
  return classes;
}

// The classes of most nodes.
std::string Text(std::vector<ClassFigures> classes) {
  constexpr size_t kMostShown = 8;
  if (classes.empty()) return "";
  std::stable_sort(classes.begin(), classes.end(),
                   [](const auto& a, const auto& b) { return a.nodes > b.nodes; });
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(classes.size(), kMostShown); ++i)
    shown.push_back(absl::StrFormat("%s (%d)", classes[i].name, classes[i].nodes));
  if (classes.size() > kMostShown) shown.push_back("...");
  return absl::StrCat(": ", absl::StrJoin(shown, ", "));
}

std::string Text(const GraphStructure& structure, const std::vector<std::string>& hub_names,
                 int64_t num_nodes) {
  std::vector<std::string> hubs;
  for (size_t i = 0; i < hub_names.size(); ++i)
    hubs.push_back(absl::StrFormat("%s (%d)", hub_names[i], structure.hubs[i].degree));
  std::string text = absl::StrFormat(
      "  degrees    half of the nodes have at most %d, 99 %% at most %d\n  hubs       %s "
      "(out-neighbours)\n  components %d; the largest has %.1f %% of the nodes\n"
      "  sampling   an exact 2-hop sample reads %.0f neighbours, on average\n",
      structure.median_degree, structure.degree_99, absl::StrJoin(hubs, ", "), structure.components,
      100 * static_cast<double>(structure.largest_component) / static_cast<double>(num_nodes),
      structure.mean_two_step_paths);
  if (structure.labelled_arcs > 0)
    absl::StrAppendFormat(&text, "  homophily  %.3f of the arcs join nodes of the same class\n",
                          structure.homophily());
  return text;
}

std::string Text(const Store& store, const StoreFigures& figures) {
  const StoreManifest& manifest = store.manifest();
  std::string text = absl::StrFormat(
      "%s\n  nodes      %d, %d of them without out-neighbours\n"
      "  arcs       %d, %s; out-degrees %d to %d, mean %.2f\n"
      "  features   %d%s, %s, %s\n  encodings  %d\n  classes    %d%s%s\n  parts      %d\n",
      store.path(), manifest.nodes(), figures.graph.without_out_neighbours, manifest.arcs(),
      manifest.directed() ? "directed" : "two per undirected edge", figures.graph.min_degree,
      figures.graph.max_degree, figures.graph.mean_degree, manifest.features(),
      manifest.features_with_encodings() ? " and the encodings" : "",
      Counted(manifest.hops(), "hop"),
      manifest.feature_dtype().empty() ? "raw" : manifest.feature_dtype(), manifest.pos_enc_width(),
      manifest.classes(), manifest.multi_label() ? ", several per node" : "", Text(figures.classes),
      store.num_partitions());
  absl::StrAppend(&text, Text(figures.structure, figures.hub_names, manifest.nodes()));
  for (const SplitStatistics& split : figures.graph.splits) {
    absl::StrAppendFormat(&text, "  split      %s: train %d, valid %d, test %d%s\n", split.name,
                          split.train, split.valid, split.test,
                          split.name == store.DefaultSplit() ? " (the default)" : "");
  }
  if (!std::isnan(figures.majority_class_test_accuracy))
    absl::StrAppendFormat(&text, "  majority   the most frequent class alone: test accuracy %.4f\n",
                          figures.majority_class_test_accuracy);
  for (const Provenance& step : manifest.provenance()) {
    absl::StrAppendFormat(&text, "  %-9s  %s\n", step.step(), step.options());
    if (!step.sources().empty()) absl::StrAppend(&text, "             ", step.sources(), "\n");
    if (step.notes().empty()) continue;
    absl::StrAppend(&text, "             ",
                    absl::StrReplaceAll(step.notes(), {{"\n", "\n             "}}), "\n");
  }
  for (const StoreFile& file : manifest.files()) {
    absl::StrAppendFormat(&text, "  %-20s %15d bytes\n", file.name(), file.bytes());
  }
  return text;
}

SplitStatistics DefaultSplit(const Store& store, const GraphStatistics& graph) {
  const std::string name = store.DefaultSplit();
  const auto found =
      std::find_if(graph.splits.begin(), graph.splits.end(),
                   [&name](const SplitStatistics& split) { return split.name == name; });
  return found == graph.splits.end() ? SplitStatistics() : *found;
}

std::string Json(const Store& store, const StoreFigures& figures) {
  const StoreManifest& manifest = store.manifest();
  JsonObject splits;
  for (const SplitStatistics& split : figures.graph.splits) {
    JsonObject counts;
    counts.Add("train", split.train).Add("valid", split.valid).Add("test", split.test);
    splits.Add(split.name, counts);
  }
  JsonObject files;
  for (const StoreFile& file : manifest.files()) files.Add(file.name(), file.bytes());
  JsonObject steps;
  for (const Provenance& step : manifest.provenance()) steps.Add(step.step(), step.options());
  const SplitStatistics split = DefaultSplit(store, figures.graph);
  JsonObject json;
  json.Add("kind", "store").Add("path", store.path());
  json.Add("nodes", manifest.nodes()).Add("arcs", manifest.arcs());
  json.Add("directed", manifest.directed());
  json.Add("without_out_neighbours", figures.graph.without_out_neighbours);
  json.Add("max_degree", figures.graph.max_degree).Add("features", manifest.features());
  const GraphStructure& structure = figures.structure;
  json.Add("median_degree", structure.median_degree).Add("degree_99", structure.degree_99);
  json.Add("isolated_nodes", structure.isolated_nodes).Add("components", structure.components);
  json.Add("largest_component", structure.largest_component);
  json.Add("mean_two_step_paths", structure.mean_two_step_paths);
  json.Add("homophily", structure.homophily());
  json.Add("features_with_encodings", manifest.features_with_encodings());
  json.Add("hops", manifest.hops()).Add("feature_dtype", manifest.feature_dtype());
  json.Add("classes", manifest.classes()).Add("multi_label", manifest.multi_label());
  JsonObject nodes_of_classes;
  for (const ClassFigures& of_class : figures.classes)
    nodes_of_classes.Add(of_class.name, of_class.nodes);
  json.Add("nodes_of_classes", nodes_of_classes);
  json.Add("pos_enc_width", manifest.pos_enc_width()).Add("parts", store.num_partitions());
  json.Add("partition_offsets", manifest.partition_offsets());
  json.Add("split", split.name).Add("train", split.train).Add("valid", split.valid);
  json.Add("test", split.test);
  json.Add("majority_class_test_accuracy", figures.majority_class_test_accuracy);
  json.Add("splits", splits).Add("steps", steps).Add("files", files);
  return json.ToString() + "\n";
}

absl::Status InspectStore(const std::string& path, bool as_json, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(path));
  QH_RETURN_IF_ERROR(store->VerifyFiles(
      {"indptr.npy", "indices.npy", "labels.npy", "splits.npy", "original_ids.npy", kOriginalNames},
      pool));
  StoreFigures figures;
  QH_ASSIGN_OR_RETURN(figures.graph, GraphStatistics::Of(*store, pool));
  QH_ASSIGN_OR_RETURN(figures.structure, GraphStructure::Of(*store, pool));
  ClassCounts counts;
  if (HasClassesToCount(*store)) {
    QH_ASSIGN_OR_RETURN(counts, CountClasses(*store, ""));
  }
  figures.classes = ClassesOf(store->manifest(), counts);
  figures.majority_class_test_accuracy = MajorityClassTestAccuracy(counts);
  std::vector<int64_t> hubs;
  for (const GraphStructure::Hub& hub : figures.structure.hubs) hubs.push_back(hub.original_id);
  QH_ASSIGN_OR_RETURN(figures.hub_names, NamesOfPlaces(*store, hubs));
  std::fputs((as_json ? Json(*store, figures) : Text(*store, figures)).c_str(), stdout);
  return absl::OkStatus();
}

absl::Status InspectRun(const std::string& run, bool as_json) {
  QH_RETURN_IF_ERROR(ReadRunConfig(run).status());
  std::string summary;  // of a finished run
  if (IsFinished(run)) {
    QH_ASSIGN_OR_RETURN(summary, ReadRegularFile(RunSummaryPath(run)));
    while (!summary.empty() && summary.back() == '\n') summary.pop_back();
  }
  QH_ASSIGN_OR_RETURN(const std::string store, ReadRunStore(run));
  QH_ASSIGN_OR_RETURN(const std::string split, ReadRunSplit(run));
  QH_ASSIGN_OR_RETURN(const RunInit init, ReadRunInit(run));
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> checkpoints, ListCheckpointSteps(run));
  if (as_json) {
    JsonObject json;
    json.Add("kind", "run").Add("path", run).Add("finished", !summary.empty());
    json.Add("store", store).Add("split", split);
    if (!init.path.empty()) json.Add("init", init.path);
    json.Add("checkpoint_steps", checkpoints);
    if (summary.empty()) {
      json.Add("summary", nullptr);
    } else {
      const absl::StatusOr<JsonObject> of_run = JsonObject::Read(summary);
      QH_RETURN_IF_ERROR(Annotate(of_run.status(), RunSummaryPath(run)));
      json.Add("summary", *of_run);
    }
    std::printf("%s\n", json.ToString().c_str());
    return absl::OkStatus();
  }
  const std::string steps = absl::StrJoin(checkpoints, ",");
  QH_ASSIGN_OR_RETURN(const std::string config, ReadRegularFile(RunConfigPath(run)));
  std::printf("%s\n  %s\n  store: %s\n  split: %s\n", run.c_str(),
              summary.empty() ? "unfinished" : "finished", store.c_str(), split.c_str());
  if (!init.path.empty()) std::printf("  initial weights: %s\n", init.path.c_str());
  std::printf("  checkpoints after steps: %s\n  summary: %s\n\n%s",
              steps.empty() ? "none" : steps.c_str(), summary.empty() ? "none" : summary.c_str(),
              config.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> InspectCommand(absl::Span<const std::string> arguments) {
  std::string path;
  bool as_json = false;
  int64_t threads = 0;
  Flags flags("inspect", "Shows what a store, a run or a checkpoint holds.");
  flags.Positional("PATH", &path, "a store (NAME.qh), the folder of a run or a checkpoint")
      .Required();
  flags.Switch("json", &as_json, "print one JSON object on one line");
  AddThreadsFlag(&flags, &threads);
  flags.Example("inspect stores/wordnet.qh").Example("inspect stores/wordnet.qh --json");
  flags.Example("inspect runs/quickstart/checkpoints/best");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  QH_ASSIGN_OR_RETURN(const PathKind kind, KindOf(path));
  if (kind == PathKind::kCheckpoint) {
    QH_RETURN_IF_ERROR(InspectCheckpoint(path, as_json));
    return ExitCode::kDone;
  }
  if (kind == PathKind::kRun) {
    QH_RETURN_IF_ERROR(InspectRun(path, as_json));
    return ExitCode::kDone;
  }
  ThreadPool pool(NumThreads(threads));
  QH_RETURN_IF_ERROR(InspectStore(path, as_json, pool));
  return ExitCode::kDone;
}

}  // namespace quadhop
