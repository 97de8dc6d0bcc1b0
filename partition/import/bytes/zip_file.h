// Zip archives, as numpy.savez writes them: members stored or deflated, zip64 too.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "partition/import/bytes/byte_source.h"

namespace quadhop {

// The directory of an archive. Immutable, so thread-safe.
class ZipFile {
 public:
  // kNotFound, kPermissionDenied; kInvalidArgument if it is no zip archive.
  static absl::StatusOr<ZipFile> Open(const std::string& path);

  const std::string& path() const { return path_; }
  const std::vector<std::string>& members() const { return members_; }
  bool Has(absl::string_view member) const;

  // The bytes of a member, inflated on the way by a thread of its own; several may be read at once.
  // Its CRC-32 is checked where it ends. kNotFound names the members there are;
  // kInvalidArgument: encrypted, or compressed other than by deflate.
  absl::StatusOr<std::unique_ptr<ByteSource>> Read(const std::string& member) const;
  // All bytes of a member. kResourceExhausted, naming `place`, if they are more than max_bytes.
  absl::StatusOr<std::string> ReadWhole(const std::string& member, int64_t max_bytes,
                                        const std::string& place) const;

 private:
  ZipFile() = default;
  std::string path_;
  std::vector<std::string> members_;
};

}  // namespace quadhop
