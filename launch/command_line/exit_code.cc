#include "launch/command_line/exit_code.h"

#include <absl/strings/cord.h>

namespace quadhop {
namespace {

constexpr absl::string_view kUsagePayload = "quadhop/usage";

}  // namespace

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

bool IsUsageError(const absl::Status& status) {
  return status.GetPayload(kUsagePayload).has_value();
}

absl::Status InMember(absl::string_view member, absl::Status usage_error) {
  usage_error.SetPayload(kUsagePayload, absl::Cord(member));
  return usage_error;
}

std::string MemberOf(const absl::Status& status) {
  return std::string(status.GetPayload(kUsagePayload).value_or(absl::Cord()));
}

}  // namespace quadhop
