// The text of a file, inflated on the way if it is gzip.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "partition/import/bytes/byte_source.h"

namespace quadhop {

// Whether the file is gzip is told by its first two bytes, not by its name. A gzip file may have
// several members (as `cat a.gz b.gz` makes) and zero padding at its end. A byte order
// mark (UTF-8's) at the beginning of the text is left out. kNotFound, kPermissionDenied, kInternal;
// reading may end in kDataLoss, naming the file, the byte in it and whether it is cut short or
// corrupt (block, symbol, checksum).
absl::StatusOr<std::unique_ptr<ByteSource>> OpenText(const std::string& path);

}  // namespace quadhop
