// One JSON object on one line, written field by field in order.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

namespace quadhop {

// Doubles have 17 significant digits, so that a reader gets back the very same value; NaN and
// infinities, which JSON does not have, are null. Other libraries write the shortest digits, which
// do not show that none was dropped.
class JsonObject {
 public:
  JsonObject& Add(absl::string_view name, absl::string_view value);
  JsonObject& Add(absl::string_view name, const char* value) {
    return Add(name, absl::string_view(value));
  }
  JsonObject& Add(absl::string_view name, int64_t value);
  JsonObject& Add(absl::string_view name, int32_t value) { return Add(name, int64_t{value}); }
  JsonObject& Add(absl::string_view name, double value);
  JsonObject& Add(absl::string_view name, bool value);
  // A value that is JSON already: an array, an object.
  JsonObject& AddJson(absl::string_view name, absl::string_view json);

  std::string ToString() const;  // {"event":"step","step":3}

 private:
  std::string fields_;
};

// With quotes and escapes. Bytes that are not UTF-8 become U+FFFD.
std::string JsonString(absl::string_view text);

}  // namespace quadhop
