// The folder split/ of OGB's layouts.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "core/threads/thread_pool.h"
#include "partition/import/target/import_target.h"

namespace quadhop {

// Whether `from` has such a folder with a split.
bool HasOgbSplits(const std::string& from);

// Each split/NAME/{train,valid,test}.csv.gz, or .csv, of node ids; one at random if there is none.
// To be called after the labels.
absl::Status ReadOgbSplits(const std::string& folder, ImportTarget& target, ThreadPool& pool);

}  // namespace quadhop
