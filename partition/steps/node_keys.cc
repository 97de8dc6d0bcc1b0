#include "partition/steps/node_keys.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "core/base/casts.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"

namespace quadhop {

int64_t KeyOfName(absl::string_view name) {
  int64_t number = 0;
  const bool is_id = absl::SimpleAtoi(name, &number) && number >= 0 && name == absl::StrCat(number);
  return is_id ? number : static_cast<int64_t>(Xxh3(name.data(), name.size()));
}

std::vector<int64_t> KeysOfNames(absl::string_view lines) {
  std::vector<int64_t> keys;
  keys.reserve(static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n')));
  while (!lines.empty()) {
    const absl::string_view name = lines.substr(0, lines.find('\n'));
    keys.push_back(KeyOfName(name));
    lines.remove_prefix(std::min(name.size() + 1, lines.size()));
  }
  return keys;
}

absl::StatusOr<std::vector<int64_t>> KeysOfNodes(const Store& store) {
  if (!store.HasFile(kOriginalNames)) return std::vector<int64_t>();
  QH_ASSIGN_OR_RETURN(const absl::Span<const int64_t> ids, store.original_ids());
  std::vector<int64_t> keys(ids.begin(), ids.end());
  const std::string path = absl::StrCat(store.path(), "/", kOriginalNames);
  QH_ASSIGN_OR_RETURN(const MappedFile names, MappedFile::Open(path));
  const std::vector<int64_t> of_names = KeysOfNames(names.text());
  for (int64_t& key : keys) {
    if (key < 0 || key >= static_cast<int64_t>(of_names.size()))
      return absl::DataLossError(absl::StrCat(path, " has ", of_names.size(),
                                              " names, none for original id ", key,
                                              ": import the graph again"));
    key = of_names[AsSize(key)];
  }
  return keys;
}

}  // namespace quadhop
