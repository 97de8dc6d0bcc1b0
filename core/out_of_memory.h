// Memory that runs out on a thread of its own, whose exception would end the process.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <new>

namespace quadhop {

// What `work`, a function without arguments, returns: a Status or a StatusOr; kResourceExhausted
// if memory runs out in it. doing: "making a batch".
template <typename Work>
auto OrOutOfMemory(absl::string_view doing, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat("out of memory while ", doing));
  }
}

}  // namespace quadhop
