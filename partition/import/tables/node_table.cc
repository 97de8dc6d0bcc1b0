#include "partition/import/tables/node_table.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "core/base/casts.h"
#include "core/base/counted.h"
#include "partition/import/arrays/named_arrays.h"
#include "partition/import/tables/class_texts.h"
#include "partition/import/tables/table_values.h"
#include "partition/import/target/node_values.h"
#include "partition/import/text/number_lines.h"
#include "partition/import/text/text_encoding.h"

namespace quadhop {
namespace {

constexpr size_t kMostColumnsShown = 20;

bool IsBeforeHeader(absl::string_view line) {
  return absl::StripAsciiWhitespace(line).empty() || absl::StartsWith(line, "# ") ||
         absl::StartsWithIgnoreCase(line, "sep=");
}

// What the first entries of a column are, missing ones aside.
struct EntriesSeen {
  int64_t entries = 0, numbers = 0;  // all of them; those of one number or more
  int64_t numbers_but_for_commas = 0;
  int64_t width = 0;    // numbers in each; 0: some are none, or not as many
  size_t odd_line = 0;  // from 0: of the first that is none
  absl::string_view odd_entry;

  void Add(absl::string_view entry, bool decimal_comma, size_t line) {
    if (IsMissing(entry)) return;
    const int64_t count = CountNumbers(entry, decimal_comma);
    if (count == 0 && entries == numbers) {
      odd_line = line;
      odd_entry = entry;
    }
    width = entries == 0 || width == count ? count : 0;
    ++entries;
    numbers += count > 0;
    numbers_but_for_commas += count > 0 || IsNumberButForCommas(entry);
  }
  bool AreNumbersButForCommas() const {
    return numbers_but_for_commas == entries && numbers < entries;
  }
  // But not all: those may be lists of numbers, of other lengths.
  bool AreMostlyNumbers() const { return 2 * numbers > entries && numbers < entries; }
};

std::string OddEntryText(const EntriesSeen& seen, const std::string& name,
                         const std::string& column) {
  return absl::StrCat(name, " is \"", Shown(seen.odd_entry), "\", but ", seen.numbers,
                      " of its first ", seen.entries,
                      " entries are numbers: correct it or leave it empty, as a missing one; or "
                      "leave the column out (--leave-out ",
                      column, ") or take its texts as categories (--one-hot ", column, ")");
}

}  // namespace

absl::StatusOr<NodeTable> NodeTable::Open(const std::string& path, const ColumnsWanted& wanted) {
  NodeTable table;
  table.path_ = path;
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path));
  QH_RETURN_IF_ERROR(CheckIsText(chunks->first().text, path));
  QH_RETURN_IF_ERROR(CheckIsUtf8(chunks->first(), path));
  QH_RETURN_IF_ERROR(table.ReadHead(chunks->first(), wanted));
  return table;
}

absl::Status NodeTable::ReadHead(const TextChunk& head, const ColumnsWanted& wanted) {
  std::vector<absl::string_view> lines;
  const auto keep = [&](absl::string_view line, int64_t) {
    if (lines.size() < kMostExamples) lines.push_back(line);
    return absl::OkStatus();
  };
  QH_RETURN_IF_ERROR(ForEachLine(head, keep));
  QH_RETURN_IF_ERROR(ReadHeader(lines, wanted));

  std::vector<Fields> examples;
  for (size_t line = AsSize(header_lines_); line < lines.size(); ++line)
    examples.emplace_back(lines[line], separator_);
  CompleteHeader(examples, &header_);
  if (!header_.empty()) num_columns_ = header_.size();

  std::vector<EntriesSeen> seen(num_columns_);
  std::vector<int64_t> bytes(num_columns_);
  std::vector<bool> are_masks(num_columns_, true);
  for (size_t i = 0; i < examples.size(); ++i) {
    const size_t line = AsSize(header_lines_) + i;
    QH_RETURN_IF_ERROR(CheckRow(lines[line], static_cast<int64_t>(line), examples[i]));
    for (size_t column = 0; column < num_columns_; ++column) {
      const absl::string_view entry = examples[i][column];
      seen[column].Add(entry, has_decimal_commas(), line);
      if (!IsTrue(entry) && !IsFalse(entry)) are_masks[column] = false;
      bytes[column] += static_cast<int64_t>(entry.size()) + 1;
    }
  }
  std::vector<int64_t> widths;
  for (const EntriesSeen& of_column : seen) widths.push_back(of_column.width);
  absl::StatusOr<NodeColumns> columns = FindNodeColumns(header_, widths, are_masks, wanted);
  QH_RETURN_IF_ERROR(Annotate(columns.status(), path_));
  columns_ = *std::move(columns);
  for (const size_t column : columns_.texts) {
    const EntriesSeen& odd = seen[column];
    if (odd.AreNumbersButForCommas()) with_commas_.push_back(column);
    if (!odd.AreMostlyNumbers()) continue;
    const std::string name = NameOfColumn(column);
    return LineError(path_, static_cast<int64_t>(odd.odd_line), lines[odd.odd_line],
                     OddEntryText(odd, name, header_.empty() ? absl::StrCat(column + 1) : name));
  }
  for (const auto& feature : columns_.features) num_features_ += feature.width;
  for (const size_t column : columns_.one_hot) {
    absl::flat_hash_set<absl::string_view> texts;
    for (const Fields& fields : examples)
      if (!IsMissing(fields[column])) texts.insert(fields[column]);
    categories_estimated_ += static_cast<int64_t>(texts.size());
  }

  if (has_labels()) {
    std::vector<absl::string_view> labels;
    for (const Fields& fields : examples) labels.push_back(Label(fields));
    several_labels_ = std::string(SeveralLabels(labels));
  }

  const auto num_looked_at = static_cast<int64_t>(lines.size()) - header_lines_;
  num_rows_estimated_ =
      std::llround(static_cast<double>(head.num_lines - header_lines_) / head.share_read);
  is_estimated_ = head.share_read < 1;
  if (num_looked_at > 0)
    name_bytes_estimated_ = bytes[columns_.names] * num_rows_estimated_ / num_looked_at;
  else if (is_estimated_)
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": the header and a line take more than ", TextChunks::kChunkBytes >> 20,
        " MB, too much to tell the columns by: give features as .npy, --features"));
  return absl::OkStatus();
}

absl::Status NodeTable::ReadHeader(absl::Span<const absl::string_view> lines,
                                   const ColumnsWanted& wanted) {
  const auto first = std::find_if_not(lines.begin(), lines.end(), IsBeforeHeader);
  if (first == lines.end())
    return absl::InvalidArgumentError(
        absl::StrCat(path_, " is empty: one node per line is needed"));
  header_lines_ = first - lines.begin();
  QH_RETURN_IF_ERROR(CheckLineEnd(path_, *first, header_lines_));
  separator_ = SeparatorOf(*first);
  Fields fields(*first, separator_);
  num_columns_ = fields.size();
  if (IsNodeHeader(fields, wanted)) {
    for (const absl::string_view name : fields) header_.emplace_back(name);
    ++header_lines_;
  } else if (header_lines_ > 0 && absl::StartsWith(first[-1], "# ")) {
    // numpy.savetxt's.
    fields.Split(first[-1].substr(2), separator_);
    if (fields.size() == num_columns_ && IsNodeHeader(fields, wanted))
      for (const absl::string_view name : fields) header_.emplace_back(name);
  }
  return absl::OkStatus();
}

bool NodeTable::Has(absl::string_view column) const {
  return !ColumnsNamed(header_, num_columns_, column).empty();
}

std::string NodeTable::NameOfColumn(size_t column) const {
  return header_.empty() || header_[column].empty() ? absl::StrCat("column ", column + 1)
                                                    : header_[column];
}

std::vector<std::string> NodeTable::FeatureNames() const {
  std::vector<std::string> names;
  for (const auto& [column, width] : columns_.features)
    for (int64_t i = 0; i < width; ++i)
      names.push_back(
          absl::StrCat(NameOfColumn(column), width > 1 ? absl::StrCat("[", i, "]") : ""));
  return names;
}

std::string NodeTable::ColumnPlace(size_t column) const {
  const bool named = !header_.empty() && !header_[column].empty();
  return absl::StrCat("column ", column + 1, named ? absl::StrCat(" (", header_[column], ")") : "");
}

std::string NodeTable::Place(size_t column, int64_t line) const {
  return absl::StrCat(path_, " line ", line + 1, " ", ColumnPlace(column));
}

std::string NodeTable::NamesColumn() const { return ColumnPlace(columns_.names); }

std::string NodeTable::ColumnPath(size_t column) const {
  return absl::StrCat(path_, " ", ColumnPlace(column));
}

absl::string_view NodeTable::NameOfNames() const {
  return header_.empty() ? absl::string_view() : header_[columns_.names];
}

absl::Status NodeTable::HeaderError(absl::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(path_, " line ", header_lines_, " is taken for a header, but ", why,
                   ": write a header above it, id and what the other columns are"));
}

std::string NodeTable::NameOfLabels() const {
  return header_.empty() ? absl::StrCat(columns_.labels + 1) : header_[columns_.labels];
}

std::string NodeTable::ColumnNames() const {
  if (header_.empty())
    return absl::StrCat(path_, " has ", Counted(static_cast<int64_t>(num_columns_), "column"),
                        " and no header");
  return absl::StrCat(path_, " has the columns ", ListOfNames(header_));
}

std::string NodeTable::Describe() const {
  std::string text = absl::StrCat(path_, ": names in ", NameOfColumn(columns_.names));
  if (has_labels()) absl::StrAppend(&text, ", labels in ", NameOfColumn(columns_.labels));
  if (columns_.split != kNoColumn)
    absl::StrAppend(&text, ", the split in ", NameOfColumn(columns_.split));
  if (columns_.has_masks()) absl::StrAppend(&text, ", masks of the split");
  const auto& features = columns_.features;
  std::vector<std::string> names;
  for (const auto& feature : features)
    names.push_back(absl::StrCat(NameOfColumn(feature.column),
                                 feature.width > 1 ? absl::StrCat(" [", feature.width, "]") : ""));
  if (features.size() > kMostColumnsShown)
    absl::StrAppend(&text, ", ", Counted(num_features_, "feature"), " in ", features.size(),
                    " columns, ", names.front(), " to ", names.back());
  else if (!features.empty())
    absl::StrAppend(&text, ", ", Counted(num_features_, "feature"), ": ",
                    absl::StrJoin(names, ", "));
  const auto list = [&](const char* what, const std::vector<size_t>& columns, const char* advice) {
    std::vector<std::string> of_columns;
    for (const size_t column : columns) of_columns.push_back(NameOfColumn(column));
    if (!of_columns.empty())
      absl::StrAppend(&text, "; ", what, ": ", ListOfNames(std::move(of_columns)), advice);
  };
  list("not used", columns_.unused, "");
  list("no numbers, because of commas", with_commas_,
       " (write 0.5 for 0,5 and 1234 for 1,234, or separate columns by ;)");
  list("named as labels are", columns_.named_as_labels, ": if made from the labels, --leave-out");
  return text;
}

absl::Status NodeTable::Split(absl::string_view line, int64_t number, Fields* fields) const {
  fields->Split(line, separator_);
  return CheckRow(line, number, *fields);
}

absl::Status NodeTable::CheckRow(absl::string_view line, int64_t number,
                                 const Fields& fields) const {
  const bool is_open = std::count(line.begin(), line.end(), '"') % 2 == 1;
  const auto begins_with_quote = [](absl::string_view field) {
    return absl::StartsWith(field, "\"");
  };
  if (fields.size() != num_columns_)
    return LineError(path_, number, line,
                     absl::StrCat("it has ", Counted(static_cast<int64_t>(fields.size()), "field"),
                                  ", the first line has ", num_columns_, ": every line is one node",
                                  is_open ? ", and a quote that opens in it closes in it" : ""));
  // Tables with tabs may have quotes that are no quotes.
  if (is_open && separator_ != '\t' && std::any_of(fields.begin(), fields.end(), begins_with_quote))
    return LineError(path_, number, line,
                     "every line is one node, and a quote that opens in it closes in it");
  return CheckLineEnd(path_, line, number);
}

absl::StatusOr<SplitPart> NodeTable::PartOfWord(absl::string_view word, int64_t line) const {
  if (IsOneOf(word, {"train", "training"})) return SplitPart::kTrain;
  if (IsOneOf(word, {"val", "valid", "validation", "dev"})) return SplitPart::kValid;
  if (IsOneOf(word, {"test", "testing"})) return SplitPart::kTest;
  if (IsMissing(word)) return SplitPart::kNone;
  return ArrayError(Place(columns_.split, line), absl::StrCat("\"", word, "\""),
                    "a node is in train, val or test, or, if the field is empty, in none; other "
                    "splits go with --splits, and --leave-out split");
}

absl::StatusOr<SplitPart> NodeTable::Part(const Fields& fields, int64_t line) const {
  if (columns_.split != kNoColumn) return PartOfWord(fields[columns_.split], line);
  constexpr std::array<SplitPart, 3> kParts = {SplitPart::kTrain, SplitPart::kValid,
                                               SplitPart::kTest};
  SplitPart part = SplitPart::kNone;
  for (size_t i = 0; i < kParts.size(); ++i) {
    const absl::string_view mask = fields[columns_.masks[i]];
    if (IsFalse(mask)) continue;
    const std::string place = Place(columns_.masks[i], line);
    if (!IsTrue(mask))
      return ArrayError(place, absl::StrCat("\"", mask, "\""), "a mask is true or 1, false or 0");
    if (part != SplitPart::kNone)
      return ArrayError(place, "true", "the node is in another part of the split already");
    part = kParts[i];
  }
  return part;
}

absl::StatusOr<bool> NodeTable::TakeFeatures(const Fields& fields, int64_t line, float* out) const {
  bool any_missing = false;
  for (const auto& [column, width] : columns_.features) {
    const absl::string_view entry = fields[column];
    if (IsMissing(entry)) {
      std::fill_n(out, width, std::numeric_limits<float>::quiet_NaN());
    } else if (!TakeNumbers(entry, has_decimal_commas(), width, out)) {
      return WrongFeature(Place(column, line),
                          absl::StrCat("\"", entry.substr(0, 60), "\"",
                                       width > 1 ? absl::StrCat(", not ", width, " numbers") : ""));
    }
    // nan is a number, too, also one of a list.
    any_missing =
        any_missing || std::any_of(out, out + width, [](float value) { return std::isnan(value); });
    out += width;
  }
  return any_missing;
}

}  // namespace quadhop
