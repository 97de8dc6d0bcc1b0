// What an import has made.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace quadhop {

// Figures of an import, all after deduplication except where they say otherwise.
struct ImportReport {
  std::string format;
  int64_t nodes = 0;
  int64_t arcs = 0;  // E; an undirected edge is two
  bool directed = false;
  bool reverse = false;
  int64_t features = 0;  // F; 0: none
  int64_t classes = 0;   // C; 0: no labels
  // Of the classes that occur, if they are few: their names, or numbers, and nodes, most first.
  std::vector<std::pair<std::string, int64_t>> class_sizes;
  bool multi_label = false;
  int64_t unlabelled = 0;                           // nodes
  std::vector<std::string> splits;                  // names, ascending
  std::vector<std::array<int64_t, 4>> split_sizes;  // nodes of each SplitPart
  int64_t arcs_read = 0;                            // as they stand in the input
  int64_t duplicates_removed = 0;                   // arcs, as they stand in the input
  int64_t self_loops_removed = 0;
  int64_t inverses_added = 0;
  int64_t without_out_neighbours = 0;  // nodes
  int64_t text_bytes = 0;              // inflated text that was parsed; 0 if none was
  double seconds = 0;
  std::vector<std::string> notes;  // for people: what was left aside, what is missing

  // For people, several lines.
  std::string Describe() const;
};

}  // namespace quadhop
