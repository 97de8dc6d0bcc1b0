#include "partition/formats/ogb_splits.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <vector>

#include "core/file.h"
#include "core/status.h"
#include "partition/casts.h"
#include "partition/formats/array_source.h"
#include "partition/formats/csv_table.h"
#include "partition/importer.h"

namespace quadhop {
namespace {

// The node ids of one file, in its order.
absl::StatusOr<std::vector<int64_t>> ReadIds(const std::string& path, ImportTarget& target,
                                             ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path));
  const int64_t num_nodes = target.num_nodes();
  std::mutex mutex;
  std::vector<int64_t> ids;
  auto body = [&](const TextChunk& chunk, int) -> absl::Status {
    std::vector<int64_t> values(AsSize(chunk.num_lines));
    QH_RETURN_IF_ERROR(ParseCsvChunk(path, chunk, 1, values.data()));
    for (size_t i = 0; i < values.size(); ++i)
      if (values[i] < 0 || values[i] >= num_nodes)
        return ArrayError(CsvPlace(path, chunk.first_line + static_cast<int64_t>(i) + 1, 1),
                          absl::StrCat("node ", values[i]),
                          absl::StrCat("node ids are in [0, ", num_nodes, ")"));
    std::lock_guard<std::mutex> lock(mutex);
    ids.resize(std::max(ids.size(), AsSize(chunk.first_line + chunk.num_lines)));
    std::copy(values.begin(), values.end(), ids.begin() + chunk.first_line);
    return absl::OkStatus();
  };
  QH_RETURN_IF_ERROR(chunks->ForEach(pool, body).status());
  target.CountText(chunks->text_bytes());
  return ids;
}

// What OGB's own readers take in place of the csv files: a dict of tensors that torch.save wrote.
std::string TorchSplit(const std::string& folder) { return folder + "/split_dict.pt"; }

// `beside`: the folder that the csv files are to stand in.
absl::Status NeedsConversion(const std::string& path, const std::string& beside) {
  return absl::InvalidArgumentError(absl::StrCat(
      path,
      " is a file of PyTorch, which is not read: write train.csv.gz, valid.csv.gz and "
      "test.csv.gz ",
      beside,
      ", by python3 -c '"
      "import numpy, torch; [numpy.savetxt(part + \".csv.gz\", ids, \"%d\") for part, ids in "
      "torch.load(\"split_dict.pt\", weights_only=False).items()]'"));
}

absl::Status ReadSplit(const std::string& folder, const std::string& name, ImportTarget& target,
                       ThreadPool& pool) {
  static constexpr const char* kParts[] = {"none", "train", "valid", "test"};
  if (FileExists(TorchSplit(folder)) && FindCsv(folder + "/train").empty())
    return NeedsConversion(TorchSplit(folder), "beside it");
  std::vector<uint8_t> parts(AsSize(target.num_nodes()), 0);
  int64_t repeated = 0;
  for (uint8_t part = 1; part <= 3; ++part) {
    QH_ASSIGN_OR_RETURN(const std::string path, NeedCsv(absl::StrCat(folder, "/", kParts[part])));
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, ReadIds(path, target, pool));
    for (size_t line = 0; line < ids.size(); ++line) {
      uint8_t& old = parts[AsSize(ids[line])];
      if (old != 0 && old != part)
        return ArrayError(CsvPlace(path, static_cast<int64_t>(line) + 1, 1),
                          absl::StrCat("node ", ids[line], ", in both ", kParts[old], " and ",
                                       kParts[part], " of split ", name),
                          "the parts of a split must not overlap");
      repeated += old == part;
      old = part;
    }
  }
  if (repeated > 0)
    target.AddNote(absl::StrCat("split ", name, " names ", repeated, " nodes more than once"));
  target.AddSplit(name, std::move(parts));
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

bool LacksOgbSplit(const std::string& from) { return SplitNames(from + "/split").empty(); }

absl::Status ReadOgbSplits(const std::string& folder, ImportTarget& target, ThreadPool& pool) {
  const std::vector<std::string> names = SplitNames(folder);
  for (const std::string& name : names)
    QH_RETURN_IF_ERROR(ReadSplit(absl::StrCat(folder, "/", name), name, target, pool));
  if (!names.empty()) return absl::OkStatus();
  if (FileExists(TorchSplit(folder)) && !target.is_given_splits())
    return NeedsConversion(TorchSplit(folder), absl::StrCat("into a folder ", folder, "/NAME"));
  if (target.has_labels()) {
    target.AddRandomSplit();
  } else {
    target.AddNote(absl::StrCat("no folder in ", folder, ": the store has no split"));
  }
  return absl::OkStatus();
}

}  // namespace quadhop
