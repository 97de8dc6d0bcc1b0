// What the entries of a table mean: numbers, classes, masks, or nothing.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>

namespace quadhop {

// Nothing, nan, -nan, na, n/a, #N/A, <NA>, nat, null, none or \N, in any case.
bool IsMissing(absl::string_view entry);

// One of the above, or unknown or ?.
bool IsUnlabelled(absl::string_view entry);

// true or t, false or f, or 1 and 0; a mask may be missing where it is false.
bool IsTrue(absl::string_view entry);
bool IsFalse(absl::string_view entry);

// How many numbers an entry has; 0 if it is not of numbers. It may be one number; true or false; or
// a list of numbers. A list in brackets has commas, semicolons or blanks between them; one without
// has semicolons, or commas and blanks, or mere commas. Mere commas make a list only of three
// numbers at least, or of numbers with points, but not of 1,234,567 nor where a comma is a decimal
// one. So 1,5 and 030 1000 are no numbers. If `decimal_comma`, 1,5 is one number.
int64_t CountNumbers(absl::string_view entry, bool decimal_comma);

// Whether it has commas, and is a number without them: "0,5" or "1,234.5".
bool IsNumberButForCommas(absl::string_view entry);

// Takes an entry's numbers; false if it has another number of them, or if one is not finite. NaN in
// a list is taken.
bool TakeNumbers(absl::string_view entry, bool decimal_comma, int64_t count,
                 float* out);  // [count]

}  // namespace quadhop
