#include "model/checkpoint/safetensors.h"

#include <absl/strings/str_join.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr char kMetadata[] = "__metadata__";
constexpr int64_t kLengthBytes = 8;

struct DTypeRow {
  const char* name;
  DType dtype;
};
constexpr DTypeRow kDTypes[] = {{"F64", DType::kF64},   {"F32", DType::kF32}, {"F16", DType::kF16},
                                {"BF16", DType::kBF16}, {"I64", DType::kI64}, {"I32", DType::kI32},
                                {"I16", DType::kI16},   {"U8", DType::kU8}};

std::string AllowedDTypes() {
  return absl::StrJoin(kDTypes, ", ",
                       [](std::string* out, const DTypeRow& row) { out->append(row.name); });
}

// The product of dims and the bytes of an element; false if one is negative or the product
// overflows.
bool DataBytes(absl::Span<const int64_t> dims, DType dtype, int64_t* bytes) {
  *bytes = SizeOfDType(dtype);
  // A zero makes the product zero whatever the others, so it is looked for first.
  if (std::any_of(dims.begin(), dims.end(), [](int64_t dim) { return dim < 0; })) return false;
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) {
    *bytes = 0;
    return true;
  }
  for (const int64_t dim : dims)
    if (__builtin_mul_overflow(*bytes, dim, bytes)) return false;
  return true;
}

// A JSON number that is a count below 2^63.
bool ReadCount(const Json& value, int64_t* count) {
  if (!value.is_number_unsigned()) return false;
  const uint64_t number = value.get<uint64_t>();
  if (number > uint64_t{std::numeric_limits<int64_t>::max()}) return false;
  *count = static_cast<int64_t>(number);
  return true;
}

absl::Status ReadShape(const Json& shape, std::vector<int64_t>* dims) {
  if (!shape.is_array()) return absl::InvalidArgumentError("\"shape\" is not a list");
  for (const Json& value : shape) {
    int64_t dim = 0;
    if (!ReadCount(value, &dim))
      return absl::InvalidArgumentError("\"shape\" holds something that is not a count");
    dims->push_back(dim);
  }
  return absl::OkStatus();
}

struct HeaderEntry {
  SafetensorsEntry entry;  // without bytes
  int64_t begin = 0;       // in the data
  int64_t end = 0;
};

// Checks one entry against the size of the data.
absl::StatusOr<HeaderEntry> ParseEntry(const Json& json, int64_t data_bytes) {
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets"))
    return absl::InvalidArgumentError("needs \"dtype\", \"shape\" and \"data_offsets\"");
  HeaderEntry parsed;
  const Json& dtype = json["dtype"];
  const auto* row = std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const DTypeRow& r) {
    return dtype.is_string() && dtype.get_ref<const std::string&>() == r.name;
  });
  if (row == std::end(kDTypes))
    return absl::InvalidArgumentError(absl::StrCat("\"dtype\" is not one of ", AllowedDTypes()));
  parsed.entry.dtype = row->dtype;
  QH_RETURN_IF_ERROR(ReadShape(json["shape"], &parsed.entry.dims));
  const Json& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !ReadCount(offsets[0], &parsed.begin) ||
      !ReadCount(offsets[1], &parsed.end))
    return absl::InvalidArgumentError("\"data_offsets\" is not two counts");
  if (parsed.begin > parsed.end || parsed.end > data_bytes)
    return absl::InvalidArgumentError(absl::StrCat("data_offsets [", parsed.begin, ", ", parsed.end,
                                                   ") are not within the ", data_bytes,
                                                   " bytes of data"));
  int64_t bytes = 0;
  if (!DataBytes(parsed.entry.dims, parsed.entry.dtype, &bytes) ||
      bytes != parsed.end - parsed.begin)
    return absl::InvalidArgumentError(absl::StrCat(
        "shape [", absl::StrJoin(parsed.entry.dims, ", "), "] of ", row->name,
        " does not take the ", parsed.end - parsed.begin, " bytes of its data_offsets"));
  return parsed;
}

absl::Status ReadMetadata(const Json& json, std::map<std::string, std::string>* metadata) {
  if (!json.is_object()) return absl::InvalidArgumentError("__metadata__ is not a JSON object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string())
      return absl::InvalidArgumentError(absl::StrCat("__metadata__ '", key, "' is not a string"));
    metadata->emplace(key, value.get<std::string>());
  }
  return absl::OkStatus();
}

// The JSON of a header; kInvalidArgument also for a name given twice, which JSON parsers let pass.
absl::StatusOr<Json> ParseJson(absl::string_view text) {
  std::set<std::string> seen;
  std::string twice;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth == 1 && event == Json::parse_event_t::key &&
        !seen.insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("the header is not a JSON object");
  if (!twice.empty())
    return absl::InvalidArgumentError(absl::StrCat("array '", twice, "' is named twice"));
  return json;
}

// The text of the header: what follows the length in `bytes`.
absl::StatusOr<absl::string_view> HeaderText(absl::Span<const uint8_t> bytes) {
  if (bytes.size() < kLengthBytes)
    return absl::InvalidArgumentError(
        absl::StrCat("a file of ", bytes.size(), " bytes has no header length"));
  uint64_t length = 0;
  for (int64_t i = kLengthBytes - 1; i >= 0; --i)
    length = length << 8 | bytes[static_cast<size_t>(i)];
  const uint64_t room = bytes.size() - kLengthBytes;
  if (length > uint64_t{kMaxSafetensorsHeaderBytes} || length > room)
    return absl::InvalidArgumentError(absl::StrCat(
        "the header length ", length, " is above ", kMaxSafetensorsHeaderBytes, " or above the ",
        room, " bytes that follow: not a safetensors file, or cut off"));
  return absl::string_view(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
}

template <typename From, typename To>
void CastAll(const SafetensorsEntry& entry, std::vector<To>* values) {
  for (size_t i = 0; i < values->size(); ++i) {
    From value;
    std::memcpy(&value, entry.bytes.data() + i * sizeof(From), sizeof(From));
    (*values)[i] = static_cast<To>(value);
  }
}

template <typename To>
void ConvertAll(const SafetensorsEntry& entry, std::vector<To>* values) {
  values->resize(static_cast<size_t>(entry.size()));
  switch (entry.dtype) {
    case DType::kF64:
      return CastAll<double>(entry, values);
    case DType::kF32:
      return CastAll<float>(entry, values);
    case DType::kI64:
      return CastAll<int64_t>(entry, values);
    case DType::kI32:
      return CastAll<int32_t>(entry, values);
    case DType::kI16:
      return CastAll<int16_t>(entry, values);
    case DType::kU8:
      return CastAll<uint8_t>(entry, values);
    case DType::kF16:
    case DType::kBF16:
      for (size_t i = 0; i < values->size(); ++i) {
        uint16_t bits;
        std::memcpy(&bits, entry.bytes.data() + i * sizeof(bits), sizeof(bits));
        (*values)[i] =
            static_cast<To>(entry.dtype == DType::kF16 ? F16ToFloat(bits) : BF16ToFloat(bits));
      }
      return;
    default:
      QH_CHECK(false && "ParseEntry lets no other dtype pass");
  }
}

bool IsInteger(DType dtype) {
  return dtype == DType::kI64 || dtype == DType::kI32 || dtype == DType::kI16 ||
         dtype == DType::kU8;
}

template <typename To>
absl::StatusOr<std::vector<To>> ReadAs(const SafetensorsFile& file, absl::string_view name) {
  const SafetensorsEntry* entry = file.Find(name);
  if (entry == nullptr)
    return absl::NotFoundError(absl::StrCat(file.path(), ": no array '", name, "'"));
  if (std::is_integral_v<To> && !IsInteger(entry->dtype))
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": array '", name, "' is of ",
                                                   DTypeName(entry->dtype), ", not of integers"));
  std::vector<To> values;
  ConvertAll(*entry, &values);
  return values;
}

}  // namespace

absl::StatusOr<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  SafetensorsFile result;
  QH_ASSIGN_OR_RETURN(result.file_, MappedFile::Open(path));
  absl::Status status = result.ParseHeader();
  if (!status.ok()) return Annotate(status, path);
  return result;
}

absl::Status SafetensorsFile::ParseHeader() {
  const absl::Span<const uint8_t> bytes = file_.bytes();
  QH_ASSIGN_OR_RETURN(const absl::string_view text, HeaderText(bytes));
  const absl::Span<const uint8_t> data = bytes.subspan(kLengthBytes + text.size());
  QH_ASSIGN_OR_RETURN(const Json header, ParseJson(text));

  std::vector<std::pair<HeaderEntry, std::string>> found;
  for (const auto& [name, json] : header.items()) {
    if (name == kMetadata) {
      QH_RETURN_IF_ERROR(ReadMetadata(json, &metadata_));
      continue;
    }
    absl::StatusOr<HeaderEntry> entry = ParseEntry(json, static_cast<int64_t>(data.size()));
    if (!entry.ok()) return Annotate(entry.status(), absl::StrCat("array '", name, "'"));
    found.emplace_back(*std::move(entry), name);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.begin, a.first.end, a.second) <
           std::tie(b.first.begin, b.first.end, b.second);
  });
  int64_t end = 0;
  for (auto& [entry, name] : found) {
    if (entry.begin != end)
      return absl::InvalidArgumentError(
          absl::StrCat("array '", name, "' begins at byte ", entry.begin,
                       " of the data, but the one before it ends at ", end));
    end = entry.end;
    entry.entry.bytes =
        data.subspan(static_cast<size_t>(entry.begin), static_cast<size_t>(end - entry.begin));
    names_.push_back(name);
    entries_.emplace(name, std::move(entry.entry));
  }
  if (end != static_cast<int64_t>(data.size()))
    return absl::InvalidArgumentError(
        absl::StrCat("the file has ", data.size(), " bytes of data, but its arrays take ", end));
  return absl::OkStatus();
}

bool SafetensorsFile::Contains(absl::string_view name) const { return Find(name) != nullptr; }

const SafetensorsEntry* SafetensorsFile::Find(absl::string_view name) const {
  const auto found = entries_.find(std::string(name));
  return found == entries_.end() ? nullptr : &found->second;
}

absl::StatusOr<std::vector<double>> SafetensorsFile::ReadAsDouble(absl::string_view name) const {
  return ReadAs<double>(*this, name);
}

absl::StatusOr<std::vector<float>> SafetensorsFile::ReadAsFloat(absl::string_view name) const {
  return ReadAs<float>(*this, name);
}

absl::StatusOr<std::vector<int64_t>> SafetensorsFile::ReadAsInt64(absl::string_view name) const {
  return ReadAs<int64_t>(*this, name);
}

namespace {

// The length, the JSON and its padding to 8 bytes; *data_bytes is what follows.
absl::StatusOr<std::string> HeaderBytes(absl::Span<const NamedTensor> tensors,
                                        const std::map<std::string, std::string>& metadata,
                                        int64_t* data_bytes) {
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  *data_bytes = 0;
  for (const NamedTensor& tensor : tensors) {
    const auto* row = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                   [&](const DTypeRow& r) { return r.dtype == tensor.dtype; });
    if (row == std::end(kDTypes))
      return absl::InvalidArgumentError(absl::StrCat("array '", tensor.name, "' is of ",
                                                     DTypeName(tensor.dtype), ", not of one of ",
                                                     AllowedDTypes()));
    if (tensor.name == kMetadata || header.contains(tensor.name))
      return absl::InvalidArgumentError(
          absl::StrCat("array '", tensor.name, "': the name is taken"));
    const int64_t begin = *data_bytes;
    int64_t bytes = 0;
    if (!DataBytes(tensor.dims, tensor.dtype, &bytes) ||
        __builtin_add_overflow(begin, bytes, data_bytes))
      return absl::InvalidArgumentError(absl::StrCat("array '", tensor.name,
                                                     "' has impossible dims [",
                                                     absl::StrJoin(tensor.dims, ", "), "]"));
    header[tensor.name] = {
        {"dtype", row->name}, {"shape", tensor.dims}, {"data_offsets", {begin, *data_bytes}}};
  }
  std::string text = header.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  if (OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false) != header)
    return absl::InvalidArgumentError("a name or the metadata is not UTF-8");
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  if (static_cast<int64_t>(text.size()) > kMaxSafetensorsHeaderBytes)
    return absl::InvalidArgumentError(absl::StrCat("the header would take ", text.size(),
                                                   " bytes, above the format's limit of ",
                                                   kMaxSafetensorsHeaderBytes));
  std::string length;
  for (int i = 0; i < kLengthBytes; ++i)
    length.push_back(static_cast<char>(uint64_t{text.size()} >> (8 * i) & 0xFF));
  return length + text;
}

}  // namespace

absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedTensor> tensors,
                              const std::map<std::string, std::string>& metadata) {
  int64_t data_bytes = 0;
  absl::StatusOr<std::string> header = HeaderBytes(tensors, metadata, &data_bytes);
  if (!header.ok()) return Annotate(header.status(), path);
  int64_t offset = static_cast<int64_t>(header->size());
  QH_ASSIGN_OR_RETURN(TemporaryFile file, TemporaryFile::Create(path, offset + data_bytes));
  QH_RETURN_IF_ERROR(file.WriteAt(0, header->data(), offset));
  for (const NamedTensor& tensor : tensors) {
    int64_t bytes = 0;
    QH_CHECK(DataBytes(tensor.dims, tensor.dtype, &bytes));
    QH_RETURN_IF_ERROR(file.WriteAt(offset, tensor.data, bytes));
    offset += bytes;
  }
  return file.TakeName();
}

}  // namespace quadhop
