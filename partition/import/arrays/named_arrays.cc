#include "partition/import/arrays/named_arrays.h"

#include <absl/algorithm/container.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

namespace quadhop {
namespace {

constexpr size_t kNamesShown = 20;

}  // namespace

bool NamedArrays::Has(const std::string& name) const { return absl::c_linear_search(names, name); }

std::string ListOfNames(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const size_t more = names.size() - std::min(names.size(), kNamesShown);
  names.resize(names.size() - more);
  return absl::StrCat(absl::StrJoin(names, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

}  // namespace quadhop
