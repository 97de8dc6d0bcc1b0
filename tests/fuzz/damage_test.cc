// Every kind of file that the program reads: cut short anywhere, with a bit flipped in any byte,
// and the committed corpus, which has what fuzzers found before.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/files/file.h"
#include "tests/fuzz/reader.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using Notices = Reader::Notices;

// What reading gave: an error, or what was read.
std::string Outcome(Reader& reader, absl::string_view bytes) {
  const absl::StatusOr<std::string> text = ReadChecked(reader, bytes);
  return text.ok() ? *text : "error";
}

class DamagedFiles : public ::testing::TestWithParam<std::string> {
 protected:
  const FuzzTarget& target_ = FuzzTargetOf(GetParam());
  const std::vector<std::unique_ptr<Reader>> readers_ = target_.make_readers();
};

TEST_P(DamagedFiles, AreReadAsLongAsTheyAreWhole) {
  for (const auto& reader : readers_)
    for (const std::string& seed : reader->Seeds()) {
      EXPECT_OK(ReadChecked(*reader, seed));
      EXPECT_OK(ReadChecked(*reader, reader->Sealed(seed)));
    }
}

TEST_P(DamagedFiles, CutShortAnywhereAreAnErrorOrNoLoss) {
  for (const auto& reader : readers_)
    for (const std::string& seed : reader->Seeds()) {
      const std::string whole = Outcome(*reader, seed);
      for (size_t bytes = 0; bytes < seed.size(); ++bytes) {
        const std::string outcome = Outcome(*reader, absl::string_view(seed).substr(0, bytes));
        const bool known = outcome == "error" || outcome == whole;
        EXPECT_TRUE(known || reader->notices() == Notices::kNothing) << "cut to " << bytes;
      }
    }
}

TEST_P(DamagedFiles, WithABitFlippedAreAnErrorOrReadAsWellAsTheyCanBe) {
  for (const auto& reader : readers_)
    for (const std::string& seed : reader->Seeds()) {
      const std::string whole = Outcome(*reader, seed);
      for (size_t at = 0; at < seed.size(); ++at) {
        std::string flipped = seed;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
        const std::string outcome = Outcome(*reader, flipped);
        const bool known = outcome == "error" || outcome == whole;
        EXPECT_TRUE(known || reader->notices() != Notices::kAllDamage) << "byte " << at;
      }
    }
}

TEST_P(DamagedFiles, OfTheCommittedCorpusAreReadOrRefused) {
  const std::string folder = absl::StrCat(QH_SOURCE_DIR "/tests/fuzz/corpus/", GetParam());
  if (!std::filesystem::exists(folder)) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(entry.path()));
    for (const auto& reader : readers_) {
      Outcome(*reader, bytes);
      Outcome(*reader, reader->Sealed(bytes));
    }
  }
}

std::vector<std::string> TargetNames() {
  std::vector<std::string> names;
  for (const FuzzTarget& target : FuzzTargets()) names.push_back(target.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Kinds, DamagedFiles, ::testing::ValuesIn(TargetNames()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace quadhop
