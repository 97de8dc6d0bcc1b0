// Internal to StoreWriter: how a commit takes effect, and how one that was interrupted is finished.
//
// A commit leaves, in this order: NAME.tmp and NAME.xxh3.tmp of every new file, fsynced; then
// store.textproto.next, whole; from here on the commit is decided. Then files take their names,
// files that the next manifest does not list are removed, and store.textproto.next becomes
// store.textproto. A crash at any point leaves the old store, or one that can be finished.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "core/store/store.pb.h"

namespace quadhop {

// Renames what is still to be renamed, removes what `next` no longer lists, and makes it the
// manifest. The folder holds store.textproto.next with the text of `next`. May be called again
// after a failure or a crash. kDataLoss, changing nothing, if a file that `next` lists is neither
// there nor waiting as .tmp.
absl::Status FinishCommit(const std::string& folder, const StoreManifest& next);

// Makes the folder of a store consistent after a crash: finishes a commit that was decided, or
// undoes one that cannot be finished, if the store before it is whole (else kDataLoss); removes
// temporary files that StoreWriter left.
absl::Status RecoverStore(const std::string& folder);

// kFailedPrecondition, naming a file, if the folder holds files that are not a store's: there is no
// manifest, and not every file was made by a StoreWriter (a .tmp, or one that has a sidecar).
absl::Status CheckMayBeReplaced(const std::string& folder);

}  // namespace quadhop
