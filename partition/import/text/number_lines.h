// Lines, one after another; and those of whole numbers with any blanks or commas between them: edge
// lists, Matrix Market, METIS.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "core/base/status.h"
#include "partition/import/text/text_chunks.h"

namespace quadhop {

// Takes the next number of a line, and what stands before it: blanks, tabs, commas, semicolons.
// False, having taken nothing but these, if something else stands there, or nothing.
bool TakeInteger(absl::string_view* line, int64_t* value);

// Whether the line is blank or begins with one of `comments`.
bool IsComment(absl::string_view line, absl::string_view comments);

// The first line, of those from `from` on, that is neither blank nor a comment (its first character
// is one of `comments`), and its number from 0. kInvalidArgument if the file is not text, or there
// is none in the first MB.
struct HeadLine {
  std::string text;
  int64_t number = 0;
};
absl::StatusOr<HeadLine> ReadHeadLine(const std::string& path, absl::string_view comments,
                                      int64_t from = 0);

// kInvalidArgument if a carriage return stands in the line other than at its end.
absl::Status CheckLineEnd(absl::string_view path, absl::string_view line, int64_t line_from_0);

// "FILE line 3", from 1, is GOT; ALLOWED.
absl::Status LineError(absl::string_view path, int64_t line_from_0, absl::string_view got,
                       absl::string_view allowed);

// Calls body(line, number from 0) for every line of the chunk, without its end.
template <typename Body>
absl::Status ForEachLine(const TextChunk& chunk, const Body& body) {
  const char* p = chunk.text.data();
  const char* const end = p + chunk.text.size();
  for (int64_t line = 0; line < chunk.num_lines; ++line) {
    const char* next = static_cast<const char*>(memchr(p, '\n', static_cast<size_t>(end - p)));
    QH_RETURN_IF_ERROR(
        body(absl::string_view(p, static_cast<size_t>(next - p)), chunk.first_line + line));
    p = next + 1;
  }
  return absl::OkStatus();
}

}  // namespace quadhop
