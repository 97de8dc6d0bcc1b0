#include "partition/import/text/text_encoding.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/base/status.h"
#include "partition/import/text/number_lines.h"

namespace quadhop {
namespace {

// By bzip2, zip, xz or zstd: the command that decompresses it; else empty.
absl::string_view CommandFor(absl::string_view bytes) {
  constexpr absl::string_view kZip = "PK\x03\x04", kXz = "\xFD\x37zXZ", kZstd = "\x28\xB5\x2F\xFD";
  if (absl::StartsWith(bytes, kZip)) return "unzip";
  if (absl::StartsWith(bytes, kXz)) return "xz -d";
  if (absl::StartsWith(bytes, kZstd)) return "zstd -d";
  const bool by_bzip2 = absl::StartsWith(bytes, "BZh") && bytes.size() > 3 &&
                        absl::ascii_isdigit(static_cast<unsigned char>(bytes[3]));
  return by_bzip2 ? "bunzip2" : "";
}

// Where the text stops being ASCII, or its end.
size_t EndOfAscii(absl::string_view text, size_t at) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  for (uint64_t eight; at + sizeof(eight) <= text.size(); at += sizeof(eight)) {
    std::memcpy(&eight, text.data() + at, sizeof(eight));
    if ((eight & kHighBits) != 0) break;
  }
  while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) ++at;
  return at;
}

// The bytes of the character of UTF-8 with which the text begins, which is not ASCII; 0 if it is
// none: RFC 3629, section 4.
size_t CharacterBytes(absl::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const uint8_t lead = byte(0), second = byte(1);
  const size_t count = lead >= 0xC2 && lead <= 0xDF   ? 2
                       : lead >= 0xE0 && lead <= 0xEF ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
  for (size_t i = 1; i < count; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool beyond = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : count;
}

}  // namespace

std::string Shown(absl::string_view text) {
  constexpr size_t kMostBytes = 60;
  std::string shown;
  size_t at = 0;
  while (at < text.size() && at < kMostBytes) {
    const size_t end = std::min(EndOfAscii(text, at), kMostBytes);
    absl::StrAppend(&shown, absl::CHexEscape(text.substr(at, end - at)));
    at = end;
    if (at >= std::min(text.size(), kMostBytes)) break;
    const size_t count = CharacterBytes(text.substr(at));
    absl::StrAppend(&shown, count > 0 ? std::string(text.substr(at, count))
                                      : absl::CHexEscape(text.substr(at, 1)));
    at += std::max<size_t>(count, 1);
  }
  return at < text.size() ? shown + "..." : shown;
}

absl::Status CheckIsUtf8(const TextChunk& chunk, absl::string_view path) {
  const absl::string_view text = chunk.text;
  for (size_t at = EndOfAscii(text, 0); at < text.size(); at = EndOfAscii(text, at)) {
    const size_t count = CharacterBytes(text.substr(at));
    at += count;
    if (count > 0) continue;
    const size_t begin = text.rfind('\n', at) + 1;
    const absl::string_view line = text.substr(begin, text.find('\n', at) - begin);
    return LineError(path, chunk.first_line + std::count(text.begin(), text.begin() + begin, '\n'),
                     line,
                     "it is not in UTF-8: if it is in Latin-1, iconv -f WINDOWS-1252 -t UTF-8 FILE "
                     "> NEW converts it");
  }
  return absl::OkStatus();
}

absl::Status CheckIsText(absl::string_view head, absl::string_view path) {
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(head);
  std::string is;
  if (const absl::string_view command = CommandFor(text); !command.empty())
    is = absl::StrCat("compressed, other than by gzip: ", command, " decompresses it");
  else if (absl::StartsWith(text, "\xFF\xFE") || absl::StartsWith(text, "\xFE\xFF"))
    is = "text in UTF-16: iconv -f UTF-16 -t UTF-8 FILE > NEW converts it";
  else if (absl::StartsWith(text, "{") || absl::StartsWith(text, "[{"))
    is = "JSON: export the table as csv, as by pandas.read_json(...).to_csv(..., index=False)";
  else if (absl::StrContains(head, '\0'))
    is = "not text in UTF-8 or the like: export the table as csv";
  return is.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrCat(path, " is ", is));
}

}  // namespace quadhop
