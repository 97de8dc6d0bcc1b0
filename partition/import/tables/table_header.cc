#include "partition/import/tables/table_header.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "core/base/status.h"

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

}  // namespace

absl::Status CheckIsPlain(const TextChunk& head, absl::string_view path) {
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(head.text);
  std::string is;
  if (const absl::string_view command = CommandFor(text); !command.empty())
    is = absl::StrCat("is compressed, other than by gzip: ", command, " decompresses it");
  else if (absl::StartsWith(text, "\xFF\xFE") || absl::StartsWith(text, "\xFE\xFF"))
    is = "is text in UTF-16: iconv -f UTF-16 -t UTF-8 FILE > NEW converts it";
  else if (absl::StartsWith(text, "{") || absl::StartsWith(text, "[{"))
    is = "is JSON: export the table as csv, as by pandas.read_json(...).to_csv(..., index=False)";
  return is.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrCat(path, " ", is));
}

absl::Status CheckIsText(const TextChunk& head, absl::string_view path) {
  QH_RETURN_IF_ERROR(CheckIsPlain(head, path));
  if (!absl::StrContains(head.text, '\0')) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is not text in UTF-8 or the like: export the table as csv"));
}

absl::string_view WithoutType(absl::string_view name) {
  const size_t colon = name.find(':');
  return colon == 0 ? name : name.substr(0, colon);
}

std::vector<size_t> ColumnsNamed(absl::Span<const std::string> header, size_t num_columns,
                                 absl::string_view wanted) {
  if (wanted.empty()) return {};
  size_t number;
  if (header.empty() && absl::SimpleAtoi(wanted, &number) && number >= 1 && number <= num_columns)
    return {number - 1};
  auto found = ColumnsThat(header, [&](absl::string_view name) { return name == wanted; });
  if (found.empty())
    found = ColumnsThat(
        header, [&](absl::string_view name) { return absl::EqualsIgnoreCase(name, wanted); });
  if (found.empty())
    found = ColumnsThat(header, [&](absl::string_view name) {
      return absl::EqualsIgnoreCase(WithoutType(name), wanted);
    });
  return found;
}

void CompleteHeader(absl::Span<const Fields> examples, std::vector<std::string>* header) {
  if (header->empty() || examples.empty()) return;
  const size_t longer = header->size() + 1;
  if (std::any_of(examples.begin(), examples.end(),
                  [&](const Fields& fields) { return fields.size() != longer; }))
    return;
  const bool ends_are_empty =
      std::all_of(examples.begin(), examples.end(),
                  [&](const Fields& fields) { return fields[longer - 1].empty(); });
  header->insert(ends_are_empty ? header->end() : header->begin(), "");
}

}  // namespace quadhop
