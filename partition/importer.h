// The interface of input formats. A new format is one file x_importer.cc and one line in
// importer.cc.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <memory>
#include <string>

#include "core/thread_pool.h"
#include "partition/import.h"
#include "partition/import_target.h"

namespace quadhop {

// One format. Reads options.from; directed and store are not its business.
class Importer {
 public:
  virtual ~Importer() = default;

  // Fills the target: SetNodes first, then the rest in any order. Streams: never the whole input in
  // memory twice. Errors as Import's.
  virtual absl::Status Read(const ImportOptions& options, ImportTarget& target,
                            ThreadPool& pool) = 0;
};

struct ImportFormat {
  const char* name;           // of --format
  const char* recognised_by;  // for people: the files it looks for
  bool (*recognises)(const std::string& from);
  std::unique_ptr<Importer> (*make)();
  bool uses_seed;  // options that shape the result, for the provenance
  bool uses_svd_dim;
};

// Every format, in the order in which "auto" asks them.
absl::Span<const ImportFormat> AllImportFormats();

// OGB's raw csv folders (ogb_importer.cc).
bool IsOgbFolder(const std::string& from);
std::unique_ptr<Importer> MakeOgbImporter();

// WordNet 3.0's data files (wordnet_importer.cc).
bool IsWordnetFolder(const std::string& from);
std::unique_ptr<Importer> MakeWordnetImporter();

}  // namespace quadhop
