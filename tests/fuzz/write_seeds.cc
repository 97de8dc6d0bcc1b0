// Writes the seed corpora of the fuzz targets: quadhop_write_seeds FOLDER makes FOLDER/TARGET/N for
// each.
#include <absl/strings/str_cat.h>

#include <cstdio>
#include <filesystem>

#include "tests/fuzz/reader.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: quadhop_write_seeds FOLDER\n");
    return 2;
  }
  for (const quadhop::FuzzTarget& target : quadhop::FuzzTargets()) {
    const std::string folder = absl::StrCat(argv[1], "/", target.name);
    std::filesystem::create_directories(folder);
    int count = 0;
    for (const auto& reader : target.make_readers())
      for (const std::string& seed : reader->Seeds())
        quadhop::WriteBytes(absl::StrCat(folder, "/", count++), seed);
  }
  return 0;
}
