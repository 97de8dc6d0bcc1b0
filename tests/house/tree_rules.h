// The rules of the tree that the compiler does not enforce: DESIGN.md section 5.
#pragma once

#include <string>
#include <vector>

namespace quadhop {

// Sources are .h, .cc, .cu and .cuh files under the module folders and tests/, beneath `root`. Each
// rule returns one line "path:line: what" a breach, in order of paths; none if the tree keeps it.

// All sources, by path from the root.
std::vector<std::string> SourcesOf(const std::string& root);
// Modules include only those below them.
std::vector<std::string> IncludesThatPointUp(const std::string& root);
// Folders of a module do not include each other in circles, as a -> b -> a, at any depth; a
// folder's own sources count as one beside those that lie in it. The module's own, its entry and
// its config, are left out.
std::vector<std::string> IncludesInCircles(const std::string& root, const std::string& module);
// Headers of CUDA, MPI, NCCL, METIS and PT-Scotch are included only by files named for them: *.cu
// and *.cuh, mpi*, nccl*, metis*, ptscotch* (whose interface is MPI's).
std::vector<std::string> BackendHeadersOutOfPlace(const std::string& root);
// No source is longer than max_lines.
std::vector<std::string> SourcesTooLong(const std::string& root, int max_lines);

}  // namespace quadhop
