#include "launch/run/resume_check.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

namespace quadhop {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct Differences {
  std::vector<std::string> allowed;
  std::vector<std::string> refused;
};

std::string TextOf(const Message& message, const FieldDescriptor& field) {
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(message, &field, -1, &text);
  return text;
}

void Compare(const Message& before, const Message& now, const std::string& prefix,
             Differences& differences) {
  for (int i = 0; i < before.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *before.GetDescriptor()->field(i);
    const std::string path = prefix + field.name();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Compare(before.GetReflection()->GetMessage(before, &field),
              now.GetReflection()->GetMessage(now, &field), path + ".", differences);
      continue;
    }
    const std::string was = TextOf(before, field), is = TextOf(now, field);
    if (was == is) continue;
    (field.options().GetExtension(may_change) ? differences.allowed : differences.refused)
        .push_back(absl::StrCat(path, ": ", was, ", now ", is));
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ChangesOnResume(const Config& before, const Config& now) {
  Differences differences;
  Compare(before, now, "", differences);
  if (now.train().schedule() != TrainConfig::CONSTANT &&
      before.train().epochs() != now.train().epochs())
    differences.refused.push_back(absl::StrCat("train.epochs: ", before.train().epochs(), ", now ",
                                               now.train().epochs(), " (the schedule of the ",
                                               "learning rate depends on it)"));
  if (differences.refused.empty()) return differences.allowed;
  return absl::FailedPreconditionError(
      absl::StrCat("the run was begun with another config, and what it computes depends on it:\n  ",
                   absl::StrJoin(differences.refused, "\n  "),
                   "\nresume with the values it had, or begin another --run"));
}

}  // namespace quadhop
