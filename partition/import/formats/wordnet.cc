#include "partition/import/formats/wordnet.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <charconv>
#include <utility>

#include "core/base/status.h"
#include "core/files/file.h"

namespace quadhop {
namespace {

constexpr absl::string_view kLexicographerFiles[] = {
    "adj.all",          "adj.pert",           "adv.all",
    "noun.Tops",        "noun.act",           "noun.animal",
    "noun.artifact",    "noun.attribute",     "noun.body",
    "noun.cognition",   "noun.communication", "noun.event",
    "noun.feeling",     "noun.food",          "noun.group",
    "noun.location",    "noun.motive",        "noun.object",
    "noun.person",      "noun.phenomenon",    "noun.plant",
    "noun.possession",  "noun.process",       "noun.quantity",
    "noun.relation",    "noun.shape",         "noun.state",
    "noun.substance",   "noun.time",          "verb.body",
    "verb.change",      "verb.cognition",     "verb.communication",
    "verb.competition", "verb.consumption",   "verb.contact",
    "verb.creation",    "verb.emotion",       "verb.motion",
    "verb.perception",  "verb.possession",    "verb.social",
    "verb.stative",     "verb.weather",       "adj.ppl"};
static_assert(std::size(kLexicographerFiles) == 45);

// The fields of a line before its gloss, read from left to right.
class Fields {
 public:
  Fields(absl::string_view text, std::string place)
      : fields_(absl::StrSplit(text, ' ', absl::SkipEmpty())), place_(std::move(place)) {}

  absl::StatusOr<absl::string_view> Next(absl::string_view name) {
    if (at_ == fields_.size())
      return absl::InvalidArgumentError(absl::StrCat(place_, " ends before field ", at_ + 1, " (",
                                                     name, "): is the file whole?"));
    return fields_[at_++];
  }

  absl::StatusOr<int64_t> NextNumber(absl::string_view name, int base, int64_t bound) {
    QH_ASSIGN_OR_RETURN(const absl::string_view field, Next(name));
    int64_t value = 0;
    const char* const end = field.data() + field.size();
    const auto [parsed, code] = std::from_chars(field.data(), end, value, base);
    if (code != std::errc() || parsed != end || value < 0 || value >= bound)
      return absl::InvalidArgumentError(absl::StrCat(place_, " field ", at_, " (", name, ") is \"",
                                                     field, "\"; a number of base ", base,
                                                     " in [0, ", bound, ") is expected"));
    return value;
  }

 private:
  std::vector<absl::string_view> fields_;
  size_t at_ = 0;
  std::string place_;
};

struct Pointer {
  int64_t source;  // row
  char file;
  int64_t offset;
  std::string place;  // of the line, for errors
};

std::string WithoutMarker(absl::string_view lemma) {
  if (absl::EndsWith(lemma, ")")) lemma = lemma.substr(0, lemma.rfind('('));
  return std::string(lemma);
}

constexpr int64_t kMaxOffset = 100'000'000;  // 8 digits

class Reader {
 public:
  absl::Status ReadFileOf(const std::string& folder, absl::string_view name, char file) {
    const std::string path = absl::StrCat(folder, "/data.", name);
    QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    int64_t line_number = 0;
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      ++line_number;
      if (line.empty() || absl::StartsWith(line, "  ")) continue;  // the licence
      QH_RETURN_IF_ERROR(ReadLine(line, file, absl::StrCat(path, " line ", line_number)));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Wordnet> Finish() && {
    for (const Pointer& pointer : pointers_) {
      const auto target = rows_.find({pointer.file, pointer.offset});
      if (target == rows_.end())
        return absl::InvalidArgumentError(
            absl::StrCat(pointer.place, " points to synset ", pointer.offset, " of part of speech ",
                         std::string(1, pointer.file),
                         ", which is not there: are the four files of one version?"));
      wordnet_.pointer_sources.push_back(pointer.source);
      wordnet_.pointer_targets.push_back(target->second);
    }
    return std::move(wordnet_);
  }

 private:
  absl::Status ReadLine(absl::string_view line, char file, const std::string& place) {
    const size_t bar = line.find('|');
    Fields fields(line.substr(0, bar), place);
    Synset synset;
    synset.file = file;
    QH_ASSIGN_OR_RETURN(synset.offset, fields.NextNumber("synset_offset", 10, kMaxOffset));
    QH_ASSIGN_OR_RETURN(const int64_t lexicographer_file,
                        fields.NextNumber("lex_filenum", 10, std::size(kLexicographerFiles)));
    synset.lexicographer_file = static_cast<int32_t>(lexicographer_file);
    QH_RETURN_IF_ERROR(fields.Next("ss_type").status());
    QH_ASSIGN_OR_RETURN(const int64_t num_words, fields.NextNumber("w_cnt", 16, 256));
    for (int64_t i = 0; i < num_words; ++i) {
      QH_ASSIGN_OR_RETURN(const absl::string_view word, fields.Next("word"));
      synset.lemmas.push_back(WithoutMarker(word));
      QH_RETURN_IF_ERROR(fields.Next("lex_id").status());
    }
    const int64_t row = static_cast<int64_t>(wordnet_.synsets.size());
    QH_ASSIGN_OR_RETURN(const int64_t num_pointers, fields.NextNumber("p_cnt", 10, 1000));
    for (int64_t i = 0; i < num_pointers; ++i) QH_RETURN_IF_ERROR(ReadPointer(fields, row, place));
    if (bar != absl::string_view::npos)
      synset.gloss = std::string(absl::StripAsciiWhitespace(line.substr(bar + 1)));
    if (!rows_.emplace(std::make_pair(file, synset.offset), row).second)
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": synset ", synset.offset, " stands in this file already"));
    wordnet_.synsets.push_back(std::move(synset));
    return absl::OkStatus();
  }

  absl::Status ReadPointer(Fields& fields, int64_t row, const std::string& place) {
    QH_RETURN_IF_ERROR(fields.Next("pointer_symbol").status());
    QH_ASSIGN_OR_RETURN(const int64_t offset,
                        fields.NextNumber("pointer synset_offset", 10, kMaxOffset));
    QH_ASSIGN_OR_RETURN(const absl::string_view pos, fields.Next("pointer pos"));
    QH_RETURN_IF_ERROR(fields.Next("source/target").status());
    const char file = pos == "s" ? 'a' : pos.front();  // satellites stand in data.adj
    pointers_.push_back({row, file, offset, place});
    return absl::OkStatus();
  }

  Wordnet wordnet_;
  std::vector<Pointer> pointers_;
  absl::flat_hash_map<std::pair<char, int64_t>, int64_t> rows_;
};

}  // namespace

absl::Span<const absl::string_view> LexicographerFiles() { return kLexicographerFiles; }

absl::StatusOr<Wordnet> ReadWordnet(const std::string& folder) {
  Reader reader;
  QH_RETURN_IF_ERROR(reader.ReadFileOf(folder, "noun", 'n'));
  QH_RETURN_IF_ERROR(reader.ReadFileOf(folder, "verb", 'v'));
  QH_RETURN_IF_ERROR(reader.ReadFileOf(folder, "adj", 'a'));
  QH_RETURN_IF_ERROR(reader.ReadFileOf(folder, "adv", 'r'));
  return std::move(reader).Finish();
}

}  // namespace quadhop
