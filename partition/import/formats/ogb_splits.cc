#include "partition/import/formats/ogb_splits.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/casts.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/arrays/array_source.h"
#include "partition/import/arrays/torch_file.h"
#include "partition/import/formats/import_splits.h"
#include "partition/import/text/csv_table.h"
#include "partition/import/text/input_text.h"

namespace quadhop {
namespace {

// The node ids of one file, in its order.
absl::StatusOr<std::vector<int64_t>> ReadIds(const std::string& path, ImportTarget& target,
                                             ThreadPool& pool) {
  std::mutex mutex;
  std::vector<int64_t> ids;
  const auto read = [&](const TextChunk& chunk) -> absl::Status {
    std::vector<int64_t> values(AsSize(chunk.num_lines));
    QH_RETURN_IF_ERROR(ParseCsvChunk(path, chunk, 1, values.data()));
    std::lock_guard<std::mutex> lock(mutex);
    ids.resize(std::max(ids.size(), AsSize(chunk.first_line + chunk.num_lines)));
    std::copy(values.begin(), values.end(), ids.begin() + chunk.first_line);
    return absl::OkStatus();
  };
  QH_RETURN_IF_ERROR(ForEachChunkOf(path, target, pool, read));
  return ids;
}

// What OGB's DatasetSaver writes in place of the csv files: a dict of tensors or arrays of node
// ids.
std::string TorchSplit(const std::string& folder) { return folder + "/split_dict.pt"; }

absl::Status ReadTorchSplit(const std::string& path, ImportTarget& target, SplitParts& parts) {
  QH_ASSIGN_OR_RETURN(const TorchFile file, TorchFile::Open(path, target.memory_bytes()));
  for (const SplitPart part : kSplitParts) {
    const char* const name = PartName(part);
    const PickleValue* const value = file.root().Find(name);
    if (value == nullptr)
      return ArrayError(path, absl::StrCat("without ", name),
                        "a dict of train, valid and test is needed");
    QH_ASSIGN_OR_RETURN(ArraySource ids, file.Array(*value, name));
    const std::string place = ids.place();
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> nodes,
                        ids.ReadRest<int64_t>(target.memory_bytes()));
    QH_RETURN_IF_ERROR(
        parts.Add(part, nodes, [&](int64_t i) { return absl::StrCat(place, " element ", i); }));
  }
  return absl::OkStatus();
}

absl::Status ReadCsvSplit(const std::string& folder, ImportTarget& target, ThreadPool& pool,
                          SplitParts& parts) {
  for (const SplitPart part : kSplitParts) {
    QH_ASSIGN_OR_RETURN(const std::string path, NeedCsv(absl::StrCat(folder, "/", PartName(part))));
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, ReadIds(path, target, pool));
    QH_RETURN_IF_ERROR(
        parts.Add(part, ids, [&](int64_t line) { return CsvPlace(path, line + 1, 1); }));
  }
  return absl::OkStatus();
}

absl::Status ReadSplit(const std::string& folder, const std::string& name, ImportTarget& target,
                       ThreadPool& pool) {
  SplitParts parts(name, target.num_nodes());
  const bool torch = FileExists(TorchSplit(folder)) && FindCsv(folder + "/train").empty();
  QH_RETURN_IF_ERROR(torch ? ReadTorchSplit(TorchSplit(folder), target, parts)
                           : ReadCsvSplit(folder, target, pool, parts));
  std::move(parts).AddTo(target);
  return absl::OkStatus();
}

std::vector<std::string> SplitNames(const std::string& folder) {
  std::vector<std::string> names = ListFolder(folder).value_or(std::vector<std::string>());
  std::error_code error;
  // Hidden ones are no splits: notebooks and file servers leave such folders.
  std::erase_if(names, [&](const std::string& name) {
    return name[0] == '.' || !std::filesystem::is_directory(absl::StrCat(folder, "/", name), error);
  });
  return names;
}

}  // namespace

bool HasOgbSplits(const std::string& from) { return !SplitNames(from + "/split").empty(); }

absl::Status ReadOgbSplits(const std::string& folder, ImportTarget& target, ThreadPool& pool) {
  const std::vector<std::string> names = SplitNames(folder);
  for (const std::string& name : names)
    QH_RETURN_IF_ERROR(ReadSplit(absl::StrCat(folder, "/", name), name, target, pool));
  if (!names.empty()) return absl::OkStatus();
  if (FileExists(TorchSplit(folder)) && !target.is_given_splits())
    return absl::InvalidArgumentError(
        absl::StrCat(TorchSplit(folder), " is in no folder of a split: move it to ", folder,
                     "/NAME/split_dict.pt, where NAME is what the split is to be called"));
  if (target.has_labels()) {
    target.AddRandomSplit();
  } else {
    target.AddNote(absl::StrCat("no folder in ", folder, ": the store has no split"));
  }
  return absl::OkStatus();
}

}  // namespace quadhop
