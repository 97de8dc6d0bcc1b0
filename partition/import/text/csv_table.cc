#include "partition/import/text/csv_table.h"

#include "core/files/file.h"

namespace quadhop {

std::string FindCsv(const std::string& stem) {
  for (const char* ending : {".csv.gz", ".csv"})
    if (FileExists(stem + ending)) return stem + ending;
  return "";
}

absl::StatusOr<std::string> NeedCsv(const std::string& stem) {
  std::string path = FindCsv(stem);
  if (path.empty())
    return absl::NotFoundError(absl::StrCat("no ", stem, ".csv.gz (nor ", stem,
                                            ".csv), which OGB's raw layout must have"));
  return path;
}

}  // namespace quadhop
