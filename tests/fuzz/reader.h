// What the program reads from outside, as fuzzers and the tests of damaged files see it: bytes go
// in, and a text of all that was read, or a clear error, comes out.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>
#include <vector>

namespace quadhop {

// One kind of file. Not thread-safe; a reader keeps a folder of its own.
class Reader {
 public:
  // What is noticed: an error, or the same text as of the whole file.
  enum class Notices {
    kNothing,  // other text is another graph or config
    kMissingEnds,
    kAllDamage,
  };

  virtual ~Reader() = default;

  virtual Notices notices() const = 0;
  // Small files that are read without an error.
  virtual std::vector<std::string> Seeds() const = 0;
  // Reads a file of these bytes as far as the program ever does. Equal texts: all that was read is
  // equal. The error names the file.
  virtual absl::StatusOr<std::string> Read(absl::string_view bytes) = 0;
  // The bytes with a checksum put right that would keep a fuzzer from getting any further; most
  // have none.
  virtual std::string Sealed(absl::string_view bytes) const { return std::string(bytes); }
};

// A fuzz target: the readers that are given the same bytes, one after another.
struct FuzzTarget {
  const char* name;
  std::vector<std::unique_ptr<Reader>> (*make_readers)();
};
const std::vector<FuzzTarget>& FuzzTargets();
// QH_CHECKs that there is one of this name.
const FuzzTarget& FuzzTargetOf(absl::string_view name);

// Reads, and QH_CHECKs that an error says something and is not one for bugs (kInternal, kUnknown).
absl::StatusOr<std::string> ReadChecked(Reader& reader, absl::string_view bytes);

void WriteBytes(const std::string& path, absl::string_view bytes);

// The readers that are not importers.
std::unique_ptr<Reader> MakeNpyReader();
std::unique_ptr<Reader> MakeGzipReader();
std::unique_ptr<Reader> MakeGzipMembersReader();
std::unique_ptr<Reader> MakePickleReader();
std::unique_ptr<Reader> MakeTorchPickleReader();  // of what torch.save wrote
std::unique_ptr<Reader> MakeSafetensorsReader();
std::unique_ptr<Reader> MakeStoreReader();
std::unique_ptr<Reader> MakeCheckpointReader();
std::unique_ptr<Reader> MakeConfigReader();
std::unique_ptr<Reader> MakeHostfileReader();
// One a file.
std::vector<std::unique_ptr<Reader>> MakeRunReaders();
// An import in which `file` of the little graph in `format`
// (tests/partition/import/formats/format_writers.h) has the bytes.
std::unique_ptr<Reader> MakeImportReader(const std::string& format, const std::string& file,
                                         Reader::Notices notices);

}  // namespace quadhop
