#include "launch/json/json_object.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace quadhop {

std::string JsonString(absl::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

JsonObject& JsonObject::AddJson(absl::string_view name, absl::string_view json) {
  absl::StrAppend(&fields_, fields_.empty() ? "" : ",", JsonString(name), ":", json);
  return *this;
}

JsonObject& JsonObject::Add(absl::string_view name, absl::string_view value) {
  return AddJson(name, JsonString(value));
}

JsonObject& JsonObject::Add(absl::string_view name, int64_t value) {
  return AddJson(name, absl::StrCat(value));
}

JsonObject& JsonObject::Add(absl::string_view name, double value) {
  return AddJson(name, std::isfinite(value) ? absl::StrFormat("%.17g", value) : "null");
}

JsonObject& JsonObject::Add(absl::string_view name, bool value) {
  return AddJson(name, value ? "true" : "false");
}

std::string JsonObject::ToString() const { return absl::StrCat("{", fields_, "}"); }

}  // namespace quadhop
