// A folder of its own for a test.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "core/base/check.h"

namespace quadhop {

// Made under TMPDIR (or /tmp), removed with all that is in it at the end of the scope.
class TempDir {
 public:
  TempDir() {
    std::error_code error;
    std::string name =
        (std::filesystem::temp_directory_path(error) / "quadhop_test.XXXXXX").string();
    QH_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // The path of `name` in the folder.
  std::string operator/(absl::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace quadhop
