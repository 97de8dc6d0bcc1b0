// Which quadhop this is.
#pragma once

namespace quadhop {

// "0.1.0 (a7594cf)": the version, and the commit that it was built from. "0.1.0 (a7594cf, changed)"
// if tracked files were changed since that commit; "0.1.0" if it was not built in a git checkout.
extern const char kVersion[];

}  // namespace quadhop
