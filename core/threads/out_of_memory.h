// Running out of memory on a thread of its own, where the exception would end the process.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <new>

namespace quadhop {

// Returns what `work`, a function without arguments, returns: a Status or a StatusOr;
// kResourceExhausted if it runs out of memory. doing: "making a batch".
template <typename Work>
auto OrOutOfMemory(absl::string_view doing, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat("out of memory while ", doing));
  }
}

}  // namespace quadhop
