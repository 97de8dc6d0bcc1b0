#include "launch/results/export.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <google/protobuf/util/json_util.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/ranks/cores.h"
#include "launch/results/trained_names.h"
#include "launch/run/run_folder.h"
#include "model/checkpoint/checkpoint_export.h"

namespace quadhop {
namespace {

// What the weights alone do not say, as JSON: the fields of the config; and, if the store is at
// hand, the names of features and classes.
absl::StatusOr<std::map<std::string, std::string>> Metadata(const Config& config,
                                                            const StoreManifest* store) {
  std::map<std::string, std::string> metadata;
  for (const auto& [name, message] :
       {std::pair<const char*, const google::protobuf::Message*>{"sampler", &config.sampler()},
        {"model", &config.model()}}) {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    if (!google::protobuf::util::MessageToJsonString(*message, &metadata[name], options).ok())
      return absl::InternalError(absl::StrCat("the config's ", name, " is not to be had as JSON"));
  }
  if (store != nullptr) AddNames(NamesOf(*store), &metadata);
  return metadata;
}

absl::Status ExportWithCodes(const CheckpointJob& job, const std::string& out) {
  std::string path = job.store;
  if (path.empty()) {
    QH_ASSIGN_OR_RETURN(path, FindRunStore(job.run));
  }
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(path));
  ThreadPool pool(NumThreads(0));
  QH_RETURN_IF_ERROR(store->VerifyFiles({"original_ids.npy"}, pool));
  QH_ASSIGN_OR_RETURN(const auto original_ids, store->original_ids());
  QH_ASSIGN_OR_RETURN(auto metadata, Metadata(job.config, &store->manifest()));
  return ExportWeights(job.checkpoint, NodesOfStore{StoreIdentity(store->manifest()), original_ids},
                       std::move(metadata), out);
}

absl::Status ExportWithoutCodes(const CheckpointJob& job, const std::string& out) {
  QH_ASSIGN_OR_RETURN(auto metadata, Metadata(job.config, nullptr));
  return ExportWeights(job.checkpoint, absl::nullopt, std::move(metadata), out);
}

}  // namespace

absl::Status Export(const CheckpointJob& job, bool with_codes, const std::string& out) {
  const absl::Status exported =
      with_codes ? ExportWithCodes(job, out) : ExportWithoutCodes(job, out);
  if (with_codes && (absl::IsFailedPrecondition(exported) || absl::IsNotFound(exported)))
    return absl::FailedPreconditionError(absl::StrCat(
        std::string(exported.message()), "; --without-codes exports the weights without a store"));
  QH_RETURN_IF_ERROR(exported);
  absl::PrintF("wrote %s\n", out);
  return absl::OkStatus();
}

}  // namespace quadhop
