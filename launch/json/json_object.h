// One JSON object on one line, written field by field in order.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

// Doubles have 17 significant digits, so that a reader gets back the very same value; NaN and
// infinities, which JSON does not have, are null. Other libraries write the shortest digits, which
// do not show that none was dropped. Texts get quotes and escapes; bytes that are not UTF-8 become
// U+FFFD.
class JsonObject {
 public:
  JsonObject() = default;
  // An object that was written before, digit by digit. kDataLoss if the text is not a JSON object.
  static absl::StatusOr<JsonObject> Read(absl::string_view text);

  JsonObject& Add(absl::string_view name, absl::string_view value);
  JsonObject& Add(absl::string_view name, const char* value) {
    return Add(name, absl::string_view(value));
  }
  JsonObject& Add(absl::string_view name, int64_t value);
  JsonObject& Add(absl::string_view name, int32_t value) { return Add(name, int64_t{value}); }
  JsonObject& Add(absl::string_view name, double value);
  JsonObject& Add(absl::string_view name, bool value);
  JsonObject& Add(absl::string_view name, std::nullptr_t);
  JsonObject& Add(absl::string_view name, const JsonObject& value);
  // Arrays.
  JsonObject& Add(absl::string_view name, absl::Span<const int64_t> values);
  JsonObject& Add(absl::string_view name, absl::Span<const double> values);
  JsonObject& Add(absl::string_view name, absl::Span<const std::string> values);
  JsonObject& Add(absl::string_view name, absl::Span<const JsonObject> values);
  // An array of rows, which are arrays.
  JsonObject& Add(absl::string_view name, absl::Span<const std::vector<int64_t>> rows);

  std::string ToString() const;  // {"event":"step","step":3}

 private:
  // A value that is JSON already.
  JsonObject& AddJson(absl::string_view name, absl::string_view json);
  template <typename T>
  JsonObject& AddArray(absl::string_view name, absl::Span<const T> values);

  std::string fields_;
};

}  // namespace quadhop
