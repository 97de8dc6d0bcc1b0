#include "partition/import/formats/named_arrays.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

namespace quadhop {
namespace {

constexpr size_t kNamesShown = 20;

bool IsAmong(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool NamedArrays::Has(const std::string& name) const { return IsAmong(names, name); }

std::string ListOfNames(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const size_t more = names.size() - std::min(names.size(), kNamesShown);
  names.resize(names.size() - more);
  return absl::StrCat(absl::StrJoin(names, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

void NoteUnused(std::vector<std::string> names, const std::vector<std::string>& used,
                ImportTarget& target) {
  std::erase_if(names, [&](const std::string& name) { return IsAmong(used, name); });
  if (!names.empty()) target.AddNote(absl::StrCat("not used: ", ListOfNames(std::move(names))));
}

}  // namespace quadhop
