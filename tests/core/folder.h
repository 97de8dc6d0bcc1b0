// The contents of a folder, for comparing it before and after.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/files/file.h"

namespace quadhop {

using Folder = std::map<std::string, std::string>;  // name to contents

inline Folder ReadFolder(const std::string& path) {
  Folder files;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    files[entry.path().filename()] = ReadFile(entry.path()).value();
  return files;
}

}  // namespace quadhop
