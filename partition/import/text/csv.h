// Rows of comma-separated numbers, without a header: what OGB's raw folders hold.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

#include "partition/import/text/text_chunks.h"

namespace quadhop {

// How an error names a place: "FILE line 3 column 2", both from 1.
std::string CsvPlace(absl::string_view path, int64_t line, int64_t column);

// 1 + the commas of a line.
int64_t CountColumns(absl::string_view line);

// Parses every line of the chunk as exactly num_columns numbers into out  // [chunk.num_lines,
// num_columns]. T is int64_t, float or double. Spaces around a number are allowed; for float and
// double so are nan, inf, and an empty field ("" in quotes too), which is NaN, as pandas writes it;
// what is too small becomes 0 and what is too large inf. kInvalidArgument names file, line, column
// and the text got: not a number, too few or too many columns, a blank line. Thread-safe.
template <typename T>
absl::Status ParseCsvChunk(const std::string& path, const TextChunk& chunk, int64_t num_columns,
                           T* out);

}  // namespace quadhop
