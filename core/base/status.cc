#include "core/base/status.h"

#include <cerrno>
#include <system_error>

namespace quadhop {
namespace {

absl::StatusCode CodeOfErrno(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status Annotate(const absl::Status& status, absl::string_view prefix) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(prefix, ": ", status.message()));
}

std::string MessageOrEmpty(const absl::Status& status) {
  if (status.ok()) return "";
  return status.message().empty() ? status.ToString() : std::string(status.message());
}

absl::Status ErrnoStatus(int error, absl::string_view what) {
  return absl::Status(CodeOfErrno(error),
                      absl::StrCat(what, ": ", std::generic_category().message(error)));
}

}  // namespace quadhop
