// quadhop_flip_bits FOLDER: flips bits of the files of a store or a checkpoint, one at a time, and
// checks the folder each time as `quadhop verify` does. Standard input has a line "FILE BIT" for
// each; a line "FILE BIT: what was said" comes out for each that was passed over, or whose file was
// not named. For flip_bits.py, many times faster than a process a bit.
#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {
namespace {

absl::Status Verify(const std::string& folder, ThreadPool& pool) {
  if (IsCheckpointFolder(folder)) return VerifyCheckpoint(folder).status();
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(folder));
  return store->VerifyAll(pool);
}

void Flip(const std::string& path, int64_t bit) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(bit / 8);
  const int byte = file.get();
  QH_CHECK(file.good());
  file.seekp(bit / 8);
  file.put(static_cast<char>(byte ^ (1 << bit % 8)));
  file.close();
  QH_CHECK(file.good());
}

}  // namespace
}  // namespace quadhop

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: quadhop_flip_bits FOLDER < FILES_AND_BITS\n");
    return 2;
  }
  const std::string folder = argv[1];
  quadhop::ThreadPool pool(1);
  QH_CHECK(quadhop::Verify(folder, pool).ok());
  std::string file;
  for (int64_t bit; std::cin >> file >> bit;) {
    const std::string path = absl::StrCat(folder, "/", file);
    quadhop::Flip(path, bit);
    const absl::Status said = quadhop::Verify(folder, pool);
    quadhop::Flip(path, bit);
    // A sidecar is known by its file.
    if (!said.ok() && absl::StrContains(said.message(), absl::StripSuffix(file, ".xxh3"))) continue;
    std::printf("%s %lld: %s\n", file.c_str(), static_cast<long long>(bit),
                said.ToString().c_str());
  }
  return 0;
}
