// The word that someone may have meant.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

namespace quadhop {

// "; did you mean WORD?" with the first of the words that is nearest to the one that was typed:
// that begins with it, or becomes it by the fewest changed, missing and additional letters, at most
// two, or one if less than five were typed. Case and the dashes of flags do not count. "" if none
// is so near.
std::string DidYouMean(absl::string_view typed, absl::Span<const std::string> words);

}  // namespace quadhop
