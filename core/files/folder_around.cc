#include "core/files/folder_around.h"

#include <filesystem>
#include <system_error>

namespace quadhop {

std::string FolderAround(const std::string& path,
                         absl::FunctionRef<bool(const std::string& folder)> is_one) {
  std::error_code error;
  const std::filesystem::path place =
      std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  for (std::filesystem::path folder = place.parent_path(); folder.has_relative_path();
       folder = folder.parent_path())
    if (is_one(folder.string())) return folder.string();
  return "";
}

}  // namespace quadhop
