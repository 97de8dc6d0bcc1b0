// Whether a file is text, what converts it if it is not, and how messages show what it says.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

#include "partition/import/text/text_chunks.h"

namespace quadhop {

// By the beginning of the file: kInvalidArgument, saying how to convert it, if it is compressed, in
// UTF-16, JSON, or not text.
absl::Status CheckIsText(absl::string_view head, absl::string_view path);

// The text as a message shows it: its first 60 bytes or so, then "..."; control characters of
// ASCII, quotes, and what is not UTF-8 are escaped.
std::string Shown(absl::string_view text);

// kInvalidArgument, naming the line, if the chunk is not in UTF-8.
absl::Status CheckIsUtf8(const TextChunk& chunk, absl::string_view path);

}  // namespace quadhop
