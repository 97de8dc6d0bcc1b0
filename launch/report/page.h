// The page of a report: its frame and style, sections, cards and tables.
#pragma once

#include <string>
#include <vector>

#include "launch/report/svg.h"

namespace quadhop {

// One figure: a title, a sentence on what to see, the names of its colours, and a chart. If the
// chart is empty, the note says why.
struct Card {
  std::string title;
  std::string note;
  struct Key {
    std::string name;
    size_t color = 0;
    bool dashed = false;
  };
  std::vector<Key> keys;
  std::string chart;  // SVG or a table
};

std::string SectionHtml(const std::string& title, const std::vector<Card>& cards);

// A table of text; the first column names its rows.
std::string TableHtml(const std::vector<std::string>& header,
                      const std::vector<std::vector<std::string>>& rows);

// The whole file. Nothing in it is fetched from anywhere.
std::string PageHtml(const std::string& title, const std::string& subtitle,
                     const std::string& body);

}  // namespace quadhop
