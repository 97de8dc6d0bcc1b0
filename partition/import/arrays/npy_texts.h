// numpy's arrays of texts: of characters ('<U7'), of bytes ('|S7'), or of Python's objects.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace quadhop {

// The texts, [n], in the bytes of an .npy file: characters in UTF-8, bytes as they are.
// kInvalidArgument, naming `place`, if it holds anything else; and the errors of Pickle.
absl::StatusOr<std::vector<std::string>> TextsOfNpy(absl::string_view npy,
                                                    const std::string& place);

}  // namespace quadhop
