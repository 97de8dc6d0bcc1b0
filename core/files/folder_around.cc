#include "core/files/folder_around.h"

#include <filesystem>

#include "core/files/file.h"

namespace quadhop {

std::string FolderAround(const std::string& path,
                         absl::FunctionRef<bool(const std::string& folder)> is_one) {
  const std::filesystem::path place = CanonicalPath(path);
  for (std::filesystem::path folder = place.parent_path(); folder.has_relative_path();
       folder = folder.parent_path())
    if (is_one(folder.string())) return folder.string();
  return "";
}

}  // namespace quadhop
