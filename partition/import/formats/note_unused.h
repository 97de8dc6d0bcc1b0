// What an importer leaves aside.
#pragma once

#include <string>
#include <vector>

#include "partition/import/target/import_target.h"

namespace quadhop {

// Says which of the names are not among those used, if any.
void NoteUnused(std::vector<std::string> names, const std::vector<std::string>& used,
                ImportTarget& target);

}  // namespace quadhop
