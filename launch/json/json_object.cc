#include "launch/json/json_object.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "launch/json/json_fields.h"

namespace quadhop {
namespace {

std::string JsonOf(absl::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string JsonOf(int64_t value) { return absl::StrCat(value); }

std::string JsonOf(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.17g", value) : "null";
}

std::string JsonOf(const JsonObject& object) { return object.ToString(); }

std::string JsonOf(const std::vector<int64_t>& row) {
  return absl::StrCat("[", absl::StrJoin(row, ","), "]");
}

}  // namespace

absl::StatusOr<JsonObject> JsonObject::Read(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (!ParseJson(text).is_object()) return absl::DataLossError("the text is not a JSON object");
  JsonObject object;
  object.fields_ = std::string(text.substr(1, text.size() - 2));
  return object;
}

JsonObject& JsonObject::AddJson(absl::string_view name, absl::string_view json) {
  absl::StrAppend(&fields_, fields_.empty() ? "" : ",", JsonOf(name), ":", json);
  return *this;
}

template <typename T>
JsonObject& JsonObject::AddArray(absl::string_view name, absl::Span<const T> values) {
  const auto append = [](std::string* out, const T& value) { out->append(JsonOf(value)); };
  return AddJson(name, absl::StrCat("[", absl::StrJoin(values, ",", append), "]"));
}

JsonObject& JsonObject::Add(absl::string_view name, absl::string_view value) {
  return AddJson(name, JsonOf(value));
}

JsonObject& JsonObject::Add(absl::string_view name, int64_t value) {
  return AddJson(name, JsonOf(value));
}

JsonObject& JsonObject::Add(absl::string_view name, double value) {
  return AddJson(name, JsonOf(value));
}

JsonObject& JsonObject::Add(absl::string_view name, bool value) {
  return AddJson(name, value ? "true" : "false");
}

JsonObject& JsonObject::Add(absl::string_view name, std::nullptr_t) {
  return AddJson(name, "null");
}

JsonObject& JsonObject::Add(absl::string_view name, const JsonObject& value) {
  return AddJson(name, JsonOf(value));
}

JsonObject& JsonObject::Add(absl::string_view name, absl::Span<const int64_t> values) {
  return AddArray(name, values);
}

JsonObject& JsonObject::Add(absl::string_view name, absl::Span<const double> values) {
  return AddArray(name, values);
}

JsonObject& JsonObject::Add(absl::string_view name, absl::Span<const std::string> values) {
  return AddArray(name, values);
}

JsonObject& JsonObject::Add(absl::string_view name, absl::Span<const JsonObject> values) {
  return AddArray(name, values);
}

JsonObject& JsonObject::Add(absl::string_view name, absl::Span<const std::vector<int64_t>> rows) {
  return AddArray(name, rows);
}

std::string JsonObject::ToString() const { return absl::StrCat("{", fields_, "}"); }

}  // namespace quadhop
