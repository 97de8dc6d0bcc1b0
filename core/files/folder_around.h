// Where a path lies.
#pragma once

#include <absl/functional/function_ref.h>

#include <string>

namespace quadhop {

// The nearest folder around `path`, which may not be there, that is one of a kind; "" if there is
// none. Links are followed, and the root is not asked for.
std::string FolderAround(const std::string& path,
                         absl::FunctionRef<bool(const std::string& folder)> is_one);

}  // namespace quadhop
