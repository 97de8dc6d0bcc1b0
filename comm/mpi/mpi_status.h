// Return codes of MPI as statuses.
#pragma once

#define OMPI_SKIP_MPICXX 1
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <mpi.h>

#include <string>

namespace quadhop {

std::string MpiErrorText(int code);

// kInternal, with the name of the call and MPI's own text, unless the code is MPI_SUCCESS.
absl::Status MpiStatus(int code, absl::string_view call);

}  // namespace quadhop
