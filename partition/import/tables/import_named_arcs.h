// Arcs out of an edge list whose ends are names.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "core/threads/thread_pool.h"
#include "partition/import/tables/node_names.h"
#include "partition/import/tables/node_table.h"
#include "partition/import/target/import_target.h"

namespace quadhop {

// The ends are in the columns `ends`, "SRC,DST", or where edge_columns.h finds them. `names` are
// those of the nodes in `table`; arcs that name another node are left aside with a note.
// kInvalidArgument, naming line and column: a line is no arc, more than a tenth of the arcs are
// left aside, or one names what is taken for the table's header.
absl::Status ImportNamedArcs(const std::string& path, const std::string& ends,
                             const NodeTable& table, const NodeNames& names, ImportTarget& target,
                             ThreadPool& pool);

}  // namespace quadhop
