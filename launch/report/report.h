// The page that compares runs.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <string>

#include "core/threads/thread_pool.h"

namespace quadhop {

// One self-contained HTML page; reads the runs' folders, and those of the stores they name that are
// there. Errors: see ReadRunRecord.
absl::StatusOr<std::string> ReportPage(absl::Span<const std::string> runs, ThreadPool& pool);

}  // namespace quadhop
