#include "partition/import/formats/node_table.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/counted.h"
#include "partition/import/formats/class_texts.h"
#include "partition/import/formats/named_arrays.h"
#include "partition/import/formats/node_values.h"

namespace quadhop {
namespace {

constexpr int64_t kMostExamples = 1000;  // rows

size_t FindNames(const Fields& header) {
  return FindField(header, {"id", "node", "node_id", "nid", "name", ":ID"});
}

// The numbers in a field: one, or a list as pandas and DGL write it.
template <typename Visit>
bool ForEachNumber(absl::string_view field, const Visit& visit) {
  if (absl::EqualsIgnoreCase(field, "true")) return visit(1.0F);
  if (absl::EqualsIgnoreCase(field, "false")) return visit(0.0F);
  float value;
  if (absl::SimpleAtof(field, &value)) return visit(value);
  if (absl::ConsumePrefix(&field, "[") && !absl::ConsumeSuffix(&field, "]")) return false;
  constexpr absl::string_view kBetween = " ,;";
  size_t at = field.find_first_not_of(kBetween);
  if (at == absl::string_view::npos) return false;
  while (at != absl::string_view::npos) {
    const size_t end = std::min(field.find_first_of(kBetween, at), field.size());
    if (!absl::SimpleAtof(field.substr(at, end - at), &value) || !visit(value)) return false;
    at = field.find_first_not_of(kBetween, end);
  }
  return true;
}

// How many numbers are in a field; 0 if it is not numbers.
int64_t CountNumbers(absl::string_view field) {
  int64_t count = 0;
  return ForEachNumber(field, [&](float) { return ++count > 0; }) ? count : 0;
}

// Of a column, how many numbers each entry seen so far has; 0: not all are numbers, or as many.
constexpr int64_t kNothingSeen = -1;
int64_t WidthWith(absl::string_view entry, int64_t width) {
  if (entry.empty() || width == 0) return width;
  const int64_t count = CountNumbers(entry);
  return width == kNothingSeen || width == count ? count : 0;
}

bool IsTrue(absl::string_view field) {
  float value;
  return absl::EqualsIgnoreCase(field, "true") || (absl::SimpleAtof(field, &value) && value == 1);
}

bool IsFalse(absl::string_view field) {
  float value;
  return field.empty() || absl::EqualsIgnoreCase(field, "false") ||
         (absl::SimpleAtof(field, &value) && value == 0);
}

}  // namespace

absl::StatusOr<NodeTable> NodeTable::Open(const std::string& path, const std::string& label) {
  NodeTable table;
  table.path_ = path;
  QH_ASSIGN_OR_RETURN(const TextChunk head, ReadHead(path));
  if (head.num_lines == 0)
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has no line, of a node each, among its first MB"));
  Fields header, fields;
  std::vector<int64_t> widths;
  int64_t num_looked_at = 0, name_bytes = 0;
  const auto look = [&](absl::string_view line, int64_t number) -> absl::Status {
    if (number == 0) {
      // Texts of a table in tabs may have commas.
      table.separator_ = line.find('\t') != line.npos ? '\t' : SeparatorOf(line);
      header = FieldsOf(line, table.separator_);
      table.num_fields_ = header.size();
      table.header_lines_ = table.IsHeader(header, label) ? 1 : 0;
      if (const size_t names = FindNames(header); table.header_lines_ > 0 && names != kNoField)
        table.names_ = names;
      widths.assign(header.size(), kNothingSeen);
    }
    if (number < table.header_lines_ || number > kMostExamples) return absl::OkStatus();
    QH_RETURN_IF_ERROR(table.Split(line, number, &fields));
    for (size_t i = 0; i < fields.size(); ++i) widths[i] = WidthWith(fields[i], widths[i]);
    name_bytes += static_cast<int64_t>(table.Name(fields).size()) + 1;
    ++num_looked_at;
    return absl::OkStatus();
  };
  QH_RETURN_IF_ERROR(ForEachLine(head, look));
  table.num_rows_estimated_ =
      std::llround(static_cast<double>(head.num_lines - table.header_lines_) / head.share_read);
  if (num_looked_at > 0)
    table.name_bytes_estimated_ = name_bytes * table.num_rows_estimated_ / num_looked_at;
  if (table.header_lines_ == 0) header.clear();
  for (const absl::string_view name : header) table.header_.emplace_back(name);
  table.FindColumns(header, widths, label);
  return table;
}

bool NodeTable::IsHeader(const Fields& fields, const std::string& label) const {
  return std::none_of(fields.begin(), fields.end(), IsNumber) || fields[0].empty() ||
         FindNames({fields[0]}) != kNoField ||
         (!label.empty() && !IsNumber(label) && FindField(fields, {label}) != kNoField);
}

void NodeTable::FindColumns(const Fields& header, absl::Span<const int64_t> widths,
                            const std::string& label) {
  if (!header.empty()) {
    labels_ = label.empty() ? FindField(header, {"label", "labels", "class", "target", "y"})
                            : FindField(header, {label});
    splits_ = FindField(header, {"split"});
    masks_ = {FindField(header, {"train_mask"}), FindField(header, {"val_mask", "valid_mask"}),
              FindField(header, {"test_mask"})};
  } else if (int64_t column; absl::SimpleAtoi(label, &column)) {
    if (column >= 1 && column <= static_cast<int64_t>(num_fields_))
      labels_ = static_cast<size_t>(column - 1);
  } else if (label.empty() && num_fields_ > 1 && widths.back() == 0) {
    labels_ = num_fields_ - 1;
  }
  for (size_t field = 0; field < num_fields_; ++field) {
    const int64_t width = IsTaken(field) ? 0 : widths[field];
    if (width <= 0) continue;
    features_.push_back({field, width});
    num_features_ += width;
  }
}

// For something else than features.
bool NodeTable::IsTaken(size_t field) const {
  return field == names_ || field == labels_ || field == splits_ ||
         std::find(masks_.begin(), masks_.end(), field) != masks_.end();
}

bool NodeTable::has_splits() const {
  return splits_ != kNoField ||
         std::any_of(masks_.begin(), masks_.end(), [](size_t mask) { return mask != kNoField; });
}

std::string NodeTable::NameOfColumn(size_t field) const {
  return header_.empty() || header_[field].empty() ? absl::StrCat("column ", field + 1)
                                                   : header_[field];
}

std::string NodeTable::Place(size_t field, int64_t line) const {
  const bool named = !header_.empty() && !header_[field].empty();
  return absl::StrCat(path_, " line ", line + 1, " column ", field + 1, named ? " (" : "",
                      named ? header_[field] : "", named ? ")" : "");
}

std::string NodeTable::LabelPlace() const { return absl::StrCat(path_, " column ", labels_ + 1); }

std::string NodeTable::ColumnNames() const {
  if (header_.empty())
    return absl::StrCat(path_, " has ", Counted(static_cast<int64_t>(num_fields_), "column"),
                        " and no header");
  return absl::StrCat(path_, " has the columns ", ListOfNames(header_));
}

std::string NodeTable::Describe() const {
  std::string text = absl::StrCat(path_, ": names in ", NameOfColumn(names_));
  if (has_labels()) absl::StrAppend(&text, ", labels in ", NameOfColumn(labels_));
  if (splits_ != kNoField) absl::StrAppend(&text, ", the split in ", NameOfColumn(splits_));
  if (!features_.empty()) absl::StrAppend(&text, ", ", Counted(num_features_, "feature"), " in ");
  if (features_.size() > 1)
    absl::StrAppend(&text, features_.size(), " columns, ", NameOfColumn(features_.front().field),
                    " to ", NameOfColumn(features_.back().field));
  else if (!features_.empty())
    absl::StrAppend(&text, NameOfColumn(features_.front().field));
  std::vector<std::string> aside;
  for (size_t field = 0; field < num_fields_; ++field)
    if (!IsTaken(field) && std::none_of(features_.begin(), features_.end(),
                                        [&](const auto& column) { return column.field == field; }))
      aside.push_back(NameOfColumn(field));
  if (!aside.empty()) absl::StrAppend(&text, "; not used: ", ListOfNames(std::move(aside)));
  return text;
}

absl::Status NodeTable::Split(absl::string_view line, int64_t number, Fields* fields) const {
  SplitFields(line, separator_, fields);
  if (fields->size() == num_fields_) return absl::OkStatus();
  return LineError(path_, number, line,
                   absl::StrCat("it has ", Counted(static_cast<int64_t>(fields->size()), "field"),
                                ", the first line has ", num_fields_, ": every line is one node"));
}

absl::Status NodeTable::ForEachChunk(
    ImportTarget& target, ThreadPool& pool,
    const std::function<absl::Status(const TextChunk&)>& body) const {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path_));
  QH_RETURN_IF_ERROR(chunks
                         ->ForEach(pool,
                                   [&](const TextChunk& chunk, int) {
                                     target.TellProgress(path_, chunk.share_read);
                                     return body(chunk);
                                   })
                         .status());
  target.CountText(chunks->text_bytes());
  return absl::OkStatus();
}

absl::StatusOr<SplitPart> NodeTable::Part(const Fields& fields, int64_t line) const {
  if (splits_ != kNoField) {
    const absl::string_view text = fields[splits_];
    const auto is = [&](std::initializer_list<absl::string_view> words) {
      return FindField({text}, words) != kNoField;
    };
    if (is({"train", "training"})) return SplitPart::kTrain;
    if (is({"val", "valid", "validation", "dev"})) return SplitPart::kValid;
    if (is({"test", "testing"})) return SplitPart::kTest;
    if (IsUnlabelled(text)) return SplitPart::kNone;
    return ArrayError(Place(splits_, line), absl::StrCat("\"", text, "\""),
                      "a node is in train, val or test, or in none: nothing stands there");
  }
  constexpr std::array<SplitPart, 3> kParts = {SplitPart::kTrain, SplitPart::kValid,
                                               SplitPart::kTest};
  SplitPart part = SplitPart::kNone;
  for (size_t i = 0; i < masks_.size(); ++i) {
    if (masks_[i] == kNoField || IsFalse(fields[masks_[i]])) continue;
    if (!IsTrue(fields[masks_[i]]))
      return ArrayError(Place(masks_[i], line), absl::StrCat("\"", fields[masks_[i]], "\""),
                        "a mask is true or 1, false or 0");
    if (part != SplitPart::kNone)
      return ArrayError(Place(masks_[i], line), "true",
                        "the node is in another part of the split already");
    part = kParts[i];
  }
  return part;
}

absl::Status NodeTable::TakeFeatures(const Fields& fields, int64_t line, float* out) const {
  for (const FeatureColumn& column : features_) {
    float* const end = out + column.width;
    const bool taken = ForEachNumber(fields[column.field], [&](float value) {
      if (out == end || !std::isfinite(value)) return false;
      *out++ = value;
      return true;
    });
    if (!taken || out != end)
      return WrongFeature(
          Place(column.field, line),
          absl::StrCat("\"", fields[column.field].substr(0, 60), "\"",
                       column.width > 1 ? absl::StrCat(", not ", column.width, " numbers") : ""));
  }
  return absl::OkStatus();
}

}  // namespace quadhop
