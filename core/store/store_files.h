// Internal to Store: its files, mapped when first asked for.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <mutex>
#include <string>

#include "core/arrays/npy.h"
#include "core/files/checksum.h"
#include "core/store/store.h"

namespace quadhop {

struct Store::Files {
  absl::flat_hash_map<std::string, FileChecksums> checksums;  // by name; fixed after Open
  std::mutex mutex;                                           // guards `arrays`
  absl::flat_hash_map<std::string, std::unique_ptr<NpyFile>> arrays;
};

}  // namespace quadhop
