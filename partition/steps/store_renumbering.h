// Writing a store's files anew with its nodes in another order.
#pragma once

#include <absl/status/status.h>

#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "partition/graph/renumber.h"

namespace quadhop {

// Adds every file of the store that has rows of nodes, or ids of nodes, to the writer of the same
// store, in the new order. Other files are left as they are.
// Errors: kUnimplemented for a file that is not known; Store's and StoreWriter's.
absl::Status RenumberStore(const Store& store, const Numbering& numbering, StoreWriter& writer,
                           ThreadPool& pool);

}  // namespace quadhop
