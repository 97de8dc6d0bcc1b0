// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include "partition/import/arrays/npy_texts.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>

#include <cstring>

#include "core/arrays/npy.h"
#include "core/base/status.h"
#include "partition/import/arrays/array_source.h"
#include "partition/import/arrays/pickle.h"

namespace quadhop {
namespace {

constexpr size_t kCharacterBytes = 4;

// False if it is no character of Unicode.
bool AppendUtf8(uint32_t character, std::string* out) {
  if (character > 0x10ffff || (character >= 0xd800 && character < 0xe000)) return false;
  const auto tail = [&](int shift) {
    out->push_back(static_cast<char>(0x80 | (character >> shift & 0x3f)));
  };
  if (character < 0x80) {
    out->push_back(static_cast<char>(character));
  } else if (character < 0x800) {
    out->push_back(static_cast<char>(0xc0 | character >> 6));
  } else if (character < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | character >> 12));
    tail(6);
  } else {
    out->push_back(static_cast<char>(0xf0 | character >> 18));
    tail(12);
    tail(6);
  }
  if (character >= 0x80) tail(0);
  return true;
}

// Appends one text: `bytes` are four per character, padded with zeros.
bool AppendCharacters(absl::string_view bytes, std::string* out) {
  for (size_t at = 0; at < bytes.size(); at += kCharacterBytes) {
    uint32_t character;
    std::memcpy(&character, bytes.data() + at, sizeof(character));
    if (!AppendUtf8(character, out)) return false;
  }
  return true;
}

absl::StatusOr<std::vector<std::string>> TextsOfObjects(absl::string_view npy,
                                                        const std::string& place) {
  QH_ASSIGN_OR_RETURN(const Pickle pickle, Pickle::ReadNpy(npy, place));
  const PickleValue& array = pickle.root();
  if (array.kind != PickleValue::Kind::kArray || array.dims.size() != 1 || array.content == nullptr)
    return ArrayError(place, "no list of objects", "a list of texts is needed");
  std::vector<std::string> texts;
  for (const PickleValue* item : array.content->items) {
    if (item->kind != PickleValue::Kind::kText)
      return ArrayError(place, "a list with objects that are not texts", "texts are needed");
    texts.push_back(item->text);
  }
  return texts;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> TextsOfNpy(absl::string_view npy,
                                                    const std::string& place) {
  if (HoldsObjects(npy)) return TextsOfObjects(npy, place);
  QH_ASSIGN_OR_RETURN(
      const NpyFields fields,
      ParseNpyFields({reinterpret_cast<const uint8_t*>(npy.data()), npy.size()}, place));
  absl::string_view width_text = fields.descr;
  const bool of_characters = absl::ConsumePrefix(&width_text, "<U");
  uint64_t width = 0;
  if ((!of_characters && !absl::ConsumePrefix(&width_text, "|S")) ||
      !absl::SimpleAtoi(width_text, &width) || fields.dims.size() != 1)
    return ArrayError(place,
                      absl::StrCat("'", fields.descr, "' (", absl::StrJoin(fields.dims, ", "), ")"),
                      "a list of texts is needed");
  absl::string_view data = npy.substr(static_cast<size_t>(fields.data_offset));
  const auto count = static_cast<uint64_t>(fields.dims[0]);
  const uint64_t text_bytes = width * (of_characters ? kCharacterBytes : 1);
  if (width > data.size() || (text_bytes > 0 && data.size() / text_bytes != count) ||
      data.size() != count * text_bytes)
    return ArrayError(place, absl::StrCat(data.size(), " bytes of data"),
                      "its header says otherwise: fetch or make it again");
  std::vector<std::string> texts;
  for (; !data.empty(); data.remove_prefix(text_bytes)) {
    const absl::string_view bytes = data.substr(0, text_bytes);
    std::string text(of_characters ? "" : bytes);
    if (of_characters && !AppendCharacters(bytes, &text))
      return ArrayError(absl::StrCat(place, " element ", texts.size()), "no text",
                        "Unicode characters are needed");
    text.erase(text.find_last_not_of('\0') + 1);
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace quadhop
