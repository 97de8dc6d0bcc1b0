#include "launch/config/config_fields.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/text_format.h>

#include <cmath>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "launch/command_line/nearest.h"
#include "launch/config.pb.h"

namespace quadhop {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

std::string ValueNames(const EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return absl::StrJoin(names, ", ");
}

absl::Status Fault(absl::string_view path, absl::string_view value, absl::string_view allowed) {
  return absl::InvalidArgumentError(absl::StrCat(path, " is ", value, "; allowed: ", allowed));
}

absl::Status CheckRange(const FieldDescriptor& field, absl::string_view path,
                        absl::string_view text, double value) {
  if (!field.options().HasExtension(range)) return absl::OkStatus();
  const std::string& allowed = field.options().GetExtension(range);
  const absl::StatusOr<Interval> interval = Interval::Parse(allowed);
  QH_CHECK(interval.ok());  // config.proto is ours, and a test parses every range in it
  if (!interval->Contains(value)) return Fault(path, text, absl::StrCat("a value in ", allowed));
  return absl::OkStatus();
}

template <typename T>
absl::Status ParseInteger(const FieldDescriptor& field, absl::string_view path,
                          absl::string_view text, T* value) {
  if (!absl::SimpleAtoi(text, value)) {
    const std::string allowed =
        field.options().HasExtension(range)
            ? absl::StrCat("a whole number in ", field.options().GetExtension(range))
            : absl::StrCat("a whole number in [", std::numeric_limits<T>::min(), ", ",
                           std::numeric_limits<T>::max(), "]");
    return Fault(path, text, allowed);
  }
  return CheckRange(field, path, text, static_cast<double>(*value));
}

absl::Status SetScalar(Message* message, const FieldDescriptor& field, absl::string_view path,
                       absl::string_view text) {
  const Reflection& fields = *message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      QH_RETURN_IF_ERROR(ParseInteger(field, path, text, &value));
      fields.SetInt32(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value = 0;
      QH_RETURN_IF_ERROR(ParseInteger(field, path, text, &value));
      fields.SetInt64(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value = 0;
      QH_RETURN_IF_ERROR(ParseInteger(field, path, text, &value));
      fields.SetUInt64(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0;
      if (!absl::SimpleAtod(text, &value)) {
        return Fault(path, text, absl::StrCat("a number in ", field.options().GetExtension(range)));
      }
      QH_RETURN_IF_ERROR(CheckRange(field, path, text, value));
      fields.SetDouble(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!absl::SimpleAtob(text, &value)) return Fault(path, text, "true, false");
      fields.SetBool(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = field.enum_type()->FindValueByName(absl::AsciiStrToUpper(text));
      if (value == nullptr) return Fault(path, text, ValueNames(*field.enum_type()));
      fields.SetEnum(message, &field, value);
      return absl::OkStatus();
    }
    default:
      return absl::UnimplementedError(
          absl::StrCat("config field ", path, " of type ", field.cpp_type_name()));
  }
}

// "2^30", "1e9", "-1.5".
bool ParseBound(absl::string_view text, double* value) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('^', 1));
  if (!absl::SimpleAtod(parts[0], value)) return false;
  if (parts.size() == 1) return true;
  double exponent = 0;
  if (!absl::SimpleAtod(parts[1], &exponent)) return false;
  *value = std::pow(*value, exponent);
  return true;
}

using FieldVisitor =
    absl::FunctionRef<void(const std::string&, const Message&, const FieldDescriptor&)>;

void VisitFields(const Message& message, const std::string& prefix, FieldVisitor visit) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const std::string path = prefix + field.name();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      VisitFields(message.GetReflection()->GetMessage(message, &field), path + ".", visit);
    else
      visit(path, message, field);
  }
}

}  // namespace

bool Interval::Contains(double value) const {
  return (low_included ? value >= low : value > low) &&
         (high_included ? value <= high : value < high);
}

absl::StatusOr<Interval> Interval::Parse(absl::string_view text) {
  Interval interval;
  const std::vector<absl::string_view> bounds =
      absl::StrSplit(text.size() < 2 ? text : text.substr(1, text.size() - 2), ',');
  if (text.size() < 2 || bounds.size() != 2 || (text.front() != '[' && text.front() != '(') ||
      (text.back() != ']' && text.back() != ')') || !ParseBound(bounds[0], &interval.low) ||
      !ParseBound(bounds[1], &interval.high)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not an interval such as [0, 1)"));
  }
  interval.low_included = text.front() == '[';
  interval.high_included = text.back() == ']';
  return interval;
}

absl::Status SetField(Message* message, absl::string_view path, absl::string_view value) {
  Message* part = message;
  const std::vector<std::string> names = absl::StrSplit(path, '.');
  for (size_t i = 0; i < names.size(); ++i) {
    const Descriptor& type = *part->GetDescriptor();
    const FieldDescriptor* field = type.FindFieldByName(names[i]);
    if (field == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no field ", path, " (its value is ", value, ")", DidYouMean(names[i], FieldNames(type)),
          "; ",
          i == 0
              ? "the config"
              : absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), "."),
          " has: ", absl::StrJoin(FieldNames(type), ", ")));
    }
    const bool last = i + 1 == names.size();
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (is_message == last) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, " is ", value, "; ",
          is_message ? absl::StrCat(path, " is a group, set one of its fields: ",
                                    absl::StrJoin(FieldNames(*field->message_type()), ", "))
                     : absl::StrCat(names[i], " is a single value and has no fields")));
    }
    if (last) return SetScalar(part, *field, path, value);
    part = part->GetReflection()->MutableMessage(part, field);
  }
  return absl::OkStatus();
}

void ForEachField(const Message& message, FieldVisitor visit) { VisitFields(message, "", visit); }

std::string FieldText(const Message& owner, const FieldDescriptor& field) {
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(owner, &field, -1, &text);
  return text;
}

void FillDefaults(Message* message) {
  const Descriptor& type = *message->GetDescriptor();
  const Reflection& fields = *message->GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      FillDefaults(fields.MutableMessage(message, &field));
      continue;
    }
    if (fields.HasField(*message, &field)) continue;
    const absl::Status status = SetScalar(message, field, field.name(), FieldText(*message, field));
    QH_CHECK_EQ(status.message(), "");
  }
}

}  // namespace quadhop
