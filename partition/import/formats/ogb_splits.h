// The folder split/ of OGB's layouts.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "core/thread_pool.h"
#include "partition/import/target/import_target.h"

namespace quadhop {

// Whether there is such a folder of a split in `from`.
bool HasOgbSplits(const std::string& from);

// Each split/NAME/{train,valid,test}.csv.gz, or .csv, of node ids; one at random if there is none.
// After the labels.
absl::Status ReadOgbSplits(const std::string& folder, ImportTarget& target, ThreadPool& pool);

}  // namespace quadhop
