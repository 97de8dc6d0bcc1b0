#include "partition/import/formats/note_unused.h"

#include <absl/algorithm/container.h>
#include <absl/strings/str_cat.h>

#include <utility>

#include "partition/import/arrays/named_arrays.h"

namespace quadhop {

void NoteUnused(std::vector<std::string> names, const std::vector<std::string>& used,
                ImportTarget& target) {
  std::erase_if(names, [&](const std::string& name) { return absl::c_linear_search(used, name); });
  if (!names.empty()) target.AddNote(absl::StrCat("not used: ", ListOfNames(std::move(names))));
}

}  // namespace quadhop
