#include "partition/import/import.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/memory/host_memory.h"
#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_splits.h"
#include "partition/import/formats/unrecognised.h"
#include "partition/import/target/import_target.h"
#include "partition/import/target/like_store.h"
#include "partition/steps/provenance.h"

namespace quadhop {
namespace {

// A header may say anything, and plans must not overflow. No machine holds as much.
constexpr int64_t kMostPlannedArcs = int64_t{1} << 42;
constexpr int64_t kMostPlannedFeatures = int64_t{1} << 30;
constexpr int64_t kMostPlannedValues = int64_t{1} << 52;  // of nodes, in this many columns at least
constexpr int64_t kLeastPlannedWidth = int64_t{1} << 16;

// Checks that --nodes does not stand beside what has nodes of its own.
absl::Status CheckNodesAreNeeded(const ImportOptions& options) {
  for (const ImportFormat* format : AllImportFormats())
    if (!format->takes_ends && format->recognises(options.from))
      return absl::InvalidArgumentError(
          absl::StrCat("--nodes is for edge lists that name nodes; --from ", options.from, " is ",
                       format->recognised_by,
                       ", which has nodes of its own: leave out --nodes, or, if it is an "
                       "edge list all the same, give --format tables"));
  return absl::OkStatus();
}

absl::StatusOr<const ImportFormat*> FindFormat(const ImportOptions& options) {
  const absl::Span<const ImportFormat* const> formats = AllImportFormats();
  std::error_code error;
  // Some formats are recognised by the beginning of file names.
  if (!std::filesystem::exists(options.from, error) &&
      std::none_of(formats.begin(), formats.end(),
                   [&](const ImportFormat* format) { return format->recognises(options.from); }))
    return absl::NotFoundError(absl::StrCat("--from ", options.from, " does not exist",
                                            error ? ": " : "", error ? error.message() : ""));
  const bool automatic = options.format == "auto";
  if (automatic && !options.nodes.empty()) QH_RETURN_IF_ERROR(CheckNodesAreNeeded(options));
  const auto is_it = [&](const ImportFormat* format) {
    if (!automatic) return options.format == format->name;
    return options.nodes.empty() ? format->recognises(options.from) : format->takes_tables;
  };
  const auto found = std::find_if(formats.begin(), formats.end(), is_it);
  if (found != formats.end()) return *found;
  if (!automatic)
    return absl::InvalidArgumentError(absl::StrCat("--format ", options.format,
                                                   " is unknown; allowed: auto, ",
                                                   absl::StrJoin(ImportFormats(), ", ")));
  QH_RETURN_IF_ERROR(WhyUnrecognised(options.from));
  std::string known;
  for (const ImportFormat* format : formats)
    absl::StrAppend(&known, "\n  ", format->name, ": ", format->recognised_by);
  return absl::InvalidArgumentError(
      absl::StrCat("--from ", options.from,
                   " is in no known format; if it is a list of "
                   "two node ids per line, give --format edge-list; if nodes have names, give "
                   "--nodes with the table of them. Known:",
                   known));
}

absl::Status CheckCompanions(const ImportOptions& options, const ImportFormat& format) {
  if (!format.takes_tables && !options.nodes.empty())
    return absl::InvalidArgumentError(
        absl::StrCat("--nodes is for edge lists that name nodes; the format is ", format.name));
  const bool says_columns = !(options.id.empty() && options.label.empty() &&
                              options.left_out.empty() && options.one_hot.empty());
  if (options.nodes.empty() && says_columns)
    return absl::InvalidArgumentError(
        "--id, --label, --leave-out and --one-hot go with --nodes, which is not given");
  if (!options.ends.empty() && !format.takes_ends)
    return absl::InvalidArgumentError(
        absl::StrCat("--ends is for edge lists; the format is ", format.name));
  if (!options.features.empty() && !options.one_hot.empty())
    return absl::InvalidArgumentError(
        "--one-hot makes features from columns of --nodes, but --features gives them all: omit one "
        "of the two");
  if (!options.like.empty() && options.project > 0)
    return absl::InvalidArgumentError(
        "--like and --project do not go together: a store does not keep the features that it "
        "projects, nor their means: omit one of the two");
  const bool given = !options.features.empty() || !options.labels.empty();
  if (!given || format.takes_companions) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--features and --labels are for formats that hold a graph alone; ", format.name,
                   " has its own in ", options.from));
}

absl::Status CheckSplits(const ImportOptions& options, const ImportFormat& format, bool has_own) {
  if (options.splits.empty() || !has_own) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--splits is for inputs without a split; ",
                                                 format.name, " has splits of its own in ",
                                                 options.from));
}

bool HasSplits(const ImportOptions& options, const ImportFormat& format) {
  return format.has_splits != nullptr && format.has_splits(options.from);
}

// The LikeOptions of --like, or "".
absl::StatusOr<std::string> LikeOf(const ImportOptions& options) {
  if (options.like.empty()) return std::string();
  const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options.like);
  QH_RETURN_IF_ERROR(Annotate(store.status(), "--like"));
  return LikeOptions((*store)->manifest());
}

std::string ProvenanceOptions(const ImportOptions& options, const ImportFormat& format,
                              const std::string& like) {
  std::string text =
      absl::StrCat("format=", format.name, " directed=", options.directed ? "true" : "false");
  if (options.reverse) absl::StrAppend(&text, " reverse=true");
  if (!HasSplits(options, format) || options.project > 0)
    absl::StrAppend(&text, " seed=", options.seed);
  if (options.project > 0) absl::StrAppend(&text, " project=", options.project);
  if (!like.empty()) absl::StrAppend(&text, " ", like);
  if (!options.id.empty()) absl::StrAppend(&text, " id=", options.id);
  if (!options.label.empty()) absl::StrAppend(&text, " label=", options.label);
  if (!options.left_out.empty())
    absl::StrAppend(&text, " leave-out=", absl::StrJoin(options.left_out, ","));
  if (!options.one_hot.empty())
    absl::StrAppend(&text, " one-hot=", absl::StrJoin(options.one_hot, ","));
  if (!options.ends.empty()) absl::StrAppend(&text, " ends=", options.ends);
  return text;
}

}  // namespace

std::vector<std::string> ImportFormats() {
  std::vector<std::string> names;
  for (const ImportFormat* format : AllImportFormats()) names.emplace_back(format->name);
  return names;
}

absl::StatusOr<std::string> ImportProvenance(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const ImportFormat* format, FindFormat(options));
  QH_ASSIGN_OR_RETURN(const std::string like, LikeOf(options));
  return ProvenanceOptions(options, *format, like);
}

absl::StatusOr<absl::optional<PrepShape>> MeasureInput(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const ImportFormat* format, FindFormat(options));
  if (format->measure == nullptr) return absl::optional<PrepShape>();
  QH_ASSIGN_OR_RETURN(absl::optional<PrepShape> shape, format->measure(options));
  if (!shape.has_value()) return shape;
  if (std::min({shape->nodes, shape->arcs, shape->features}) < 0)
    return absl::InvalidArgumentError(absl::StrCat(options.from, " says that it has ", shape->nodes,
                                                   " nodes, ", shape->arcs, " arcs and ",
                                                   shape->features, " features: it is damaged"));
  shape->arcs = std::min(shape->arcs, kMostPlannedArcs);
  shape->features = std::min(shape->features, kMostPlannedFeatures);
  shape->nodes =
      std::min(shape->nodes, kMostPlannedValues / std::max(kLeastPlannedWidth, shape->features));
  shape->directed = options.directed;
  if (!options.directed) shape->arcs *= 2;
  if (options.project > 0) shape->features = std::min<int64_t>(shape->features, options.project);
  return shape;
}

absl::StatusOr<ImportReport> Import(const ImportOptions& asked, ThreadPool& pool) {
  const Stopwatch watch;
  ImportOptions options = asked;
  QH_ASSIGN_OR_RETURN(options.memory_bytes, MemoryBudget(asked.memory_bytes));
  if (options.project < 0)
    return absl::InvalidArgumentError(
        absl::StrCat("--project is ", options.project, "; at least 0 is needed"));
  QH_ASSIGN_OR_RETURN(const ImportFormat* format, FindFormat(options));
  QH_RETURN_IF_ERROR(CheckCompanions(options, *format));
  QH_RETURN_IF_ERROR(CheckSplits(options, *format, HasSplits(options, *format)));
  // Before they are read: what changes after that is read again.
  QH_ASSIGN_OR_RETURN(const std::string inputs, ImportInputs(options));
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<StoreWriter> writer,
                      StoreWriter::BeginAnew(options.store, options.on_commit));
  ImportTarget target(*writer, options, pool.num_threads());
  std::optional<LikeStore> like;
  if (!options.like.empty()) {
    QH_ASSIGN_OR_RETURN(like, LikeStore::Open(options.like, pool));
    target.BeLike(*like);
    QH_RETURN_IF_ERROR(like->AddMomentsTo(*writer));
    if (std::string note = like->NoteOnEncodings(); !note.empty()) target.AddNote(std::move(note));
  }
  QH_RETURN_IF_ERROR(format->read(options, target, pool));
  QH_RETURN_IF_ERROR(CheckSplits(options, *format, target.has_splits()));
  if (!options.splits.empty()) {
    QH_ASSIGN_OR_RETURN(ArraySource splits, ArraySource::OpenNpy(options.splits));
    QH_RETURN_IF_ERROR(ImportSplits(std::move(splits), target));
  }
  QH_ASSIGN_OR_RETURN(ImportReport report, target.Finish(pool));
  report.format = format->name;
  const std::string of_like = like.has_value() ? LikeOptions(like->manifest()) : "";
  Provenance step = MakeProvenance(PrepStep::kImport, ProvenanceOptions(options, *format, of_like),
                                   report.Describe());
  step.set_inputs(inputs);
  step.set_sources(ImportSources(options));
  QH_RETURN_IF_ERROR(writer->Commit(step, pool));
  report.seconds = watch.Seconds();
  return report;
}

}  // namespace quadhop
