// The fields of a config: finds one by its path and sets it from text within its range; visits all
// of them; fills in their defaults.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>

namespace quadhop {

// An interval as config.proto writes it in a field's (range): "[1, 10000]", "[0, 1)", "(0, 2^30]".
struct Interval {
  double low = 0;
  double high = 0;
  bool low_included = true;
  bool high_included = true;

  bool Contains(double value) const;  // false for NaN
  static absl::StatusOr<Interval> Parse(absl::string_view text);
};

// Sets the field at `path` ("sampler.sampled_nodes") of `message` from the text of its value.
// kInvalidArgument if there is no such field, the value is not of its type, or it is out of the
// field's range: the message names field, value and what is allowed; `message` is then unchanged.
absl::Status SetField(google::protobuf::Message* message, absl::string_view path,
                      absl::string_view value);

// Calls visit(path, owner, field) for each scalar field, at any depth, in the order of
// config.proto; `owner` is the part of `message` whose field it is.
void ForEachField(
    const google::protobuf::Message& message,
    absl::FunctionRef<void(const std::string& path, const google::protobuf::Message& owner,
                           const google::protobuf::FieldDescriptor& field)>
        visit);

// The field's value as a textproto has it.
std::string FieldText(const google::protobuf::Message& owner,
                      const google::protobuf::FieldDescriptor& field);

// Sets every absent scalar field of `message`, at any depth, explicitly to its default.
void FillDefaults(google::protobuf::Message* message);

}  // namespace quadhop
