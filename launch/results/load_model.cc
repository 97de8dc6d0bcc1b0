#include "launch/results/load_model.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/warning.h"
#include "core/store/manifest.h"
#include "launch/config/model_options.h"
#include "launch/ranks/agreed_status.h"
#include "launch/results/trained_names.h"
#include "launch/run/run_folder.h"
#include "launch/session/same_config.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "model/checkpoint/checkpoint_transfer.h"
#include "model/checkpoint/safetensors.h"
#include "partition/encodings/encode.h"
#include "partition/encodings/encoder.h"
#include "partition/import/target/like_store.h"

namespace quadhop {
namespace {

constexpr char kEncodings[] = "pos_enc.npy";

std::string OptionsOf(const StoreManifest& manifest, absl::string_view step) {
  const Provenance* const done = FindStep(manifest, step);
  return done == nullptr ? "nothing" : done->options();
}

absl::Status CheckStepAlike(const char* step, const StoreManifest& trained, const Store& store) {
  const std::string before = OptionsOf(trained, step), now = OptionsOf(store.manifest(), step);
  // What the file for a grown graph holds is up to whoever made it.
  const bool from_files = MethodOf(before) == "file" && MethodOf(now) == "file";
  if (before == now || from_files) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      store.path(), " was made by ", step, " with ", now, ", but the store that the model ",
      "was trained on was made with ", before, ": run quadhop ", step, " again with the latter"));
}

// The options of an import that say which arcs a node reads and what features are: "directed=true
// reverse=true". A random projection depends on its seed.
std::string MeaningOf(absl::string_view import_options) {
  const bool projects = absl::StrContains(import_options, " project=");
  std::vector<absl::string_view> kept;
  for (const absl::string_view option : absl::StrSplit(import_options, ' '))
    if (absl::StartsWith(option, "directed=") || absl::StartsWith(option, "reverse=") ||
        absl::StartsWith(option, "project=") || (projects && absl::StartsWith(option, "seed=")))
      kept.push_back(option);
  return absl::StrJoin(kept, " ");
}

// Stores that were not imported (synth makes some) do not record it.
absl::Status CheckImportedAlike(const StoreManifest& trained, const Store& store) {
  const Provenance *const before = FindStep(trained, "import"), *const now = FindStep(
                                                                    store.manifest(), "import");
  if (before == nullptr || now == nullptr) return absl::OkStatus();
  const std::string meant = MeaningOf(before->options()), means = MeaningOf(now->options());
  if (meant == means) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(store.path(), " was imported with ", means,
                   ", but the store that the model was trained on was imported with ", meant,
                   ": import it again with the latter"));
}

// Whether both are of the same input, imported with the same options. A different cut only moves
// nodes, and their encodings with them.
bool IsOfSameGraph(const StoreManifest& trained, const StoreManifest& store) {
  const Provenance *const before = FindStep(trained, "import"), *const now =
                                                                    FindStep(store, "import");
  return before != nullptr && now != nullptr && before->options() == now->options() &&
         before->inputs() == now->inputs() && trained.nodes() == store.nodes() &&
         trained.arcs() == store.arcs();
}

// If columns of encodings are a graph's own, those of two graphs have nothing in common.
absl::Status CheckAxes(const StoreManifest& trained, const Store& store) {
  if (IsOfSameGraph(trained, store.manifest())) return absl::OkStatus();
  const StoreFile* const before = FindFile(trained, kEncodings);
  const StoreFile* const now = FindFile(store.manifest(), kEncodings);
  if (before == nullptr || now == nullptr || before->sidecar_xxh3() == now->sidecar_xxh3())
    return absl::OkStatus();
  const std::string method = MethodOf(OptionsOf(trained, "encode"));
  const absl::StatusOr<const EncodingMethod*> found = FindEncoder(method);
  if (!found.ok() || (*found)->keeps_axes) return absl::OkStatus();  // not found: from a file
  return absl::FailedPreconditionError(absl::StrCat(
      "encodings by ", method, " have axes of their own for each graph, and ", store.path(),
      " has others than the store that the model was trained on: predictions would be noise. A ",
      "model for graphs that grow needs encodings by fastrp, rwse or from a file",
      FeaturesHoldEncodings(trained) ? "" : ", or model.conv=LOCAL"));
}

void WarnOfOtherScale(const StoreManifest& trained, const Store& store, bool reads_encodings) {
  const StoreManifest& now = store.manifest();
  const bool of_features = absl::StrContains(OptionsOf(trained, "propagate"), "standardize=true") &&
                           LikeIdentity(trained) != LikeIdentity(now);
  const bool of_encodings = reads_encodings && EncodingScale(trained) != EncodingScale(now);
  if (!of_features && !of_encodings) return;
  PrintWarning(absl::StrCat("the ", of_features ? "features" : "",
                            of_features && of_encodings ? " and " : "",
                            of_encodings ? "encodings" : "", " of ", store.path(),
                            " are standardised by its own nodes: results are off as far as their "
                            "means and deviations differ from those of the store that the model "
                            "was trained on; prep --like that store takes these"));
}

// Checks what the shapes of the weights do not show.
absl::Status CheckMadeAlike(const StoreManifest& trained, const Store& store,
                            const LargeGTOptions& options, Use use) {
  QH_RETURN_IF_ERROR(CheckImportedAlike(trained, store));
  QH_RETURN_IF_ERROR(CheckStepAlike("propagate", trained, store));
  if (options.has_global() || FeaturesHoldEncodings(trained)) {
    QH_RETURN_IF_ERROR(CheckStepAlike("encode", trained, store));
    QH_RETURN_IF_ERROR(CheckAxes(trained, store));
  }
  const TrainedNames before = NamesOf(trained), now = NamesOf(store.manifest());
  QH_RETURN_IF_ERROR(CheckFeatureNames(before, now, store.path()));
  if (store.manifest().classes() == 0 || use == Use::kPredict) return absl::OkStatus();
  if (before.classes.empty() != now.classes.empty())
    return absl::FailedPreconditionError(absl::StrCat(
        store.path(), now.classes.empty() ? " has no names of classes" : " names its classes",
        ", unlike the store that the model was trained on: whether they are the same classes "
        "cannot "
        "be told"));
  return CheckClassNames(before, now, store.path());
}

// The dims of the graph that a checkpoint's model was trained on.
absl::StatusOr<GraphDims> DimsOf(const CheckpointJob& job, const CheckpointManifest& manifest) {
  const LayerNames names(ModelOptions(job.config, GraphDims()).norm);
  QH_ASSIGN_OR_RETURN(const std::string path, FindFile(job.checkpoint, manifest, kWeightsFile));
  QH_ASSIGN_OR_RETURN(const SafetensorsFile weights, SafetensorsFile::Open(path));
  const auto dim = [&weights](const std::string& layer, size_t i) -> int64_t {
    const SafetensorsEntry* const weight = weights.Find(absl::StrCat(layer, ".weight"));
    return weight != nullptr && weight->dims.size() == 2 ? weight->dims[i] : 0;
  };
  GraphDims dims;
  dims.features = dim(names.in_first, 1);
  dims.classes = dim(names.out, 0);
  if (dims.features > 0 && dims.classes > 0) return dims;
  return absl::DataLossError(absl::StrCat(weights.path(), " lacks the weights of a model"));
}

absl::Status CheckFeatures(const Store& store, const GraphDims& trained) {
  QH_ASSIGN_OR_RETURN(const FeatureTable features, store.features());
  if (features.width == trained.features) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(store.path(), " has ", features.width, " features",
                   store.manifest().features_with_encodings() ? ", its encodings among them" : "",
                   ", but the model was trained on ", trained.features,
                   ": prepare it with the same columns, --hops and --with-encodings"));
}

// Checks that the model can be measured on a store's labels, before anything is made of them.
absl::Status CheckLabels(const CheckpointJob& job, const GraphDims& trained) {
  const absl::StatusOr<StoreManifest> store = ReadManifest(job.store + "/" + kStoreManifestName);
  if (!store.ok() || store->classes() == 0) return absl::OkStatus();  // Session::Create says more
  const bool several = job.config.train().loss() == TrainConfig::BINARY;
  if (store->multi_label() == several && store->classes() == trained.classes)
    return absl::OkStatus();
  const auto labels = [](int64_t number, bool columns) {
    return absl::StrCat(number, columns ? " columns of labels" : " classes");
  };
  return absl::FailedPreconditionError(absl::StrCat(
      job.store, " has ", labels(store->classes(), store->multi_label()),
      ", but the model was trained on ", labels(trained.classes, several),
      ": eval measures on labels of the same kind and number; predict takes a store with any"));
}

// What is measured may have been trained on.
void WarnOfSplit(const Session& session, bool is_own_store, const std::string& trained_on) {
  if (!is_own_store)
    absl::FPrintF(stderr,
                  "nodes of any part of split %s of %s may be among those that the model was "
                  "trained on, unless both stores were split alike\n",
                  session.split(), session.store().path());
  else if (session.split() != trained_on)
    absl::FPrintF(stderr,
                  "the model was trained on split %s: nodes of any part of split %s may be among "
                  "those that it has seen\n",
                  trained_on, session.split());
}

absl::Status ReadOntoOtherStore(const CheckpointJob& job, Use use, Session& session) {
  const absl::StatusOr<StoreManifest> trained = ReadTrainedOn(job.run);
  const bool is_main = session.context().IsMain();
  if (trained.ok())
    QH_RETURN_IF_ERROR(CheckMadeAlike(*trained, session.store(), session.model().options(), use));
  if (is_main && !trained.ok())
    PrintWarning(absl::StrCat("the store that the model was trained on cannot be compared: ",
                              trained.status().message()));
  if (is_main)
    absl::FPrintF(stderr,
                  "%s is not the store that the model was trained on; centroids keep the counts of "
                  "the nodes of that store\n",
                  session.store().path());
  if (is_main && trained.ok())
    WarnOfOtherScale(*trained, session.store(),
                     session.model().options().has_global() || FeaturesHoldEncodings(*trained));
  return ReadCheckpointOfOtherStore(job.checkpoint, session.model());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> LoadModel(const CheckpointJob& job,
                                                   const std::string& split, Use use,
                                                   const RankContext& context) {
  QH_RETURN_IF_ERROR(CheckSameConfig(context.comm, job.config, split));
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, ReadCheckpointManifest(job.checkpoint));
  QH_RETURN_IF_ERROR(AgreeOnText(
      context.comm, "compare the checkpoint", manifest.SerializeAsString(),
      [&](const std::string&) {
        return absl::StrCat(job.checkpoint,
                            " is not the checkpoint that rank 0 has: give all ranks the same");
      }));
  QH_ASSIGN_OR_RETURN(const GraphDims dims, DimsOf(job, manifest));
  if (use == Use::kMeasure) QH_RETURN_IF_ERROR(CheckLabels(job, dims));
  QH_ASSIGN_OR_RETURN(
      std::unique_ptr<Session> session,
      Session::Create(job.store, split.empty() ? manifest.position().split() : split, job.config,
                      context, use == Use::kPredict ? dims.classes : 0));
  QH_RETURN_IF_ERROR(CheckFeatures(session->store(), dims));
  const bool is_own_store = manifest.store() == StoreIdentity(session->store().manifest());
  if (use == Use::kMeasure && context.IsMain())
    WarnOfSplit(*session, is_own_store, manifest.position().split());
  if (is_own_store) {
    QH_RETURN_IF_ERROR(ReadCheckpoint(session->Subject(nullptr), job.checkpoint).status());
  } else {
    QH_RETURN_IF_ERROR(ReadOntoOtherStore(job, use, *session));
  }
  return session;
}

}  // namespace quadhop
