#include "launch/json/json_fields.h"

#include <absl/strings/str_cat.h>

#include "core/base/status.h"
#include "core/files/file.h"

namespace quadhop {
namespace {

using nlohmann::json;

constexpr int64_t kMostNodes = int64_t{1} << 40;

// nullptr: none.
const json* FieldOf(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

json ParseJson(absl::string_view text) {
  return json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

absl::StatusOr<json> ReadJsonObject(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(path));
  json object = ParseJson(text);
  if (object.is_object()) return object;
  return absl::DataLossError(absl::StrCat(path, " is not a JSON object"));
}

// json::value() throws if a field has another type.
std::string TextField(const json& object, const char* name) {
  const json* const field = FieldOf(object, name);
  return field != nullptr && field->is_string() ? field->get<std::string>() : "";
}

double NumberField(const json& object, const char* name) {
  const json* const field = FieldOf(object, name);
  return field != nullptr && field->is_number() ? field->get<double>() : 0;
}

int64_t IntegerField(const json& object, const char* name) {
  const json* const field = FieldOf(object, name);
  return field != nullptr && field->is_number_integer() ? field->get<int64_t>() : 0;
}

int64_t CountOf(const json& value) {
  if (!value.is_number_integer()) return 0;
  const auto count = value.get<int64_t>();
  return count >= 0 && count <= kMostNodes ? count : 0;
}

int64_t CountField(const json& object, const char* name) {
  const json* const field = FieldOf(object, name);
  return field != nullptr ? CountOf(*field) : 0;
}

}  // namespace quadhop
