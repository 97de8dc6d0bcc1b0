#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/store/store.h"
#include "partition/import/import.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Six synsets in the layout of wndb(5WN). Rows: cat 0, dog 1, run 2, fast 3, quick 4 (a satellite),
// quickly 5.
constexpr char kNoun[] =
    "  1 This software and database is being provided to you  \n"
    "00000010 05 n 02 cat 0 house_cat 1 001 @ 00000090 n 0000 | a small animal  \n"
    "00000090 05 n 01 Dog 0 002 ~ 00000010 n 0000 + 00000005 v 0101 | an animal; \"a small dog\"  "
    "\n";
constexpr char kVerb[] =
    "  1 licence  \n"
    "00000005 38 v 01 run 0 001 + 00000090 n 0101 02 + 01 00 + 02 01 | move at quick pace  \n";
constexpr char kAdj[] =
    "00000000 00 a 01 fast(p) 0 003 & 00000077 a 0000 & 00000077 s 0000 \\ 00000000 a 0101 | of "
    "pace  \n"
    "00000077 00 s 01 quick 0 001 & 00000000 a 0000 | moved fast  \n";
constexpr char kAdv[] = "00000010 02 r 01 quickly 0 000 | x y  \n";

class WordnetImporter : public ::testing::Test {
 protected:
  WordnetImporter() {
    input_.Write("data.noun", kNoun);
    input_.Write("data.verb", kVerb);
    input_.Write("data.adj", kAdj);
    input_.Write("data.adv", kAdv);
  }

  absl::StatusOr<ImportReport> ImportIt(int32_t project = 128) {
    return Import({.from = input_.path(), .store = output_ / "s.qh", .project = project}, pool_);
  }

  InputFolder input_;
  TempDir output_;
  ThreadPool pool_{2};
};

TEST_F(WordnetImporter, WritesEveryArrayOfTheStore) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt());
  EXPECT_EQ(report.format, "wordnet");
  EXPECT_EQ(report.nodes, 6);
  EXPECT_EQ(report.arcs_read, 8);           // one row of which is the sum of all p_cnt
  EXPECT_EQ(report.duplicates_removed, 1);  // fast to quick, as `a` and as `s`
  EXPECT_EQ(report.self_loops_removed, 1);  // fast to fast
  EXPECT_EQ(report.inverses_added, 0);
  EXPECT_EQ(report.without_out_neighbours, 1);

  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
  EXPECT_THAT(topology.indptr, ElementsAre(0, 1, 3, 4, 5, 6, 6));
  EXPECT_THAT(topology.indices32, ElementsAre(1, 0, 2, 1, 4, 3));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int32_t> labels, store->labels());
  EXPECT_THAT(labels, ElementsAre(5, 5, 38, 0, 0, 2));
  EXPECT_EQ(store->manifest().classes(), 45);
  EXPECT_EQ(store->manifest().class_names(0), "adj.all");
  EXPECT_EQ(store->manifest().class_names(5), "noun.animal");
  EXPECT_EQ(store->manifest().class_names(38), "verb.motion");
  EXPECT_EQ(store->manifest().class_names(44), "adj.ppl");
  ASSERT_OK_AND_ASSIGN(const absl::Span<const uint8_t> split, store->split("random"));
  EXPECT_EQ(std::count(split.begin(), split.end(), 1), 4);
  EXPECT_EQ(std::count(split.begin(), split.end(), 2), 1);
  EXPECT_EQ(std::count(split.begin(), split.end(), 3), 1);
  ASSERT_OK_AND_ASSIGN(const std::string names, ReadFile(output_ / "s.qh/original_names.txt"));
  EXPECT_EQ(names, "n00000010\nn00000090\nv00000005\na00000000\na00000077\nr00000010\n");
}

// Features are known up to a rotation: their inner products are those of the tf-idf rows, times the
// number of columns.
TEST_F(WordnetImporter, FeaturesHaveTheInnerProductsOfTfIdf) {
  ASSERT_OK(ImportIt());
  // Words in two synsets or more: animal {0, 1}, fast {3, 4}, pace {2, 3}, quick {2, 4}, small {0,
  // 1}; "cat" and "dog" stand twice, but in one synset each. All five have the same idf, so that a
  // row is just the words it has: 0: animal small; 1: animal small; 2: pace quick; 3: fast pace; 4:
  // fast quick; 5: nothing.
  const std::vector<std::vector<double>> expected = {{1, 1, 0, 0, 0, 0},     {1, 1, 0, 0, 0, 0},
                                                     {0, 0, 1, 0.5, 0.5, 0}, {0, 0, 0.5, 1, 0.5, 0},
                                                     {0, 0, 0.5, 0.5, 1, 0}, {0, 0, 0, 0, 0, 0}};
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  ASSERT_OK_AND_ASSIGN(const NpyFile* raw, store->array("raw.npy"));
  ASSERT_THAT(raw->header().dims, ElementsAre(6, 5));
  const absl::Span<const float> x = raw->values<float>();
  for (size_t i = 0; i < 6; ++i) {
    for (size_t j = 0; j < 6; ++j) {
      double product = 0;
      for (size_t d = 0; d < 5; ++d) product += double{x[5 * i + d]} * double{x[5 * j + d]};
      // A few roundings of float each in the SVD: 100 eps.
      EXPECT_NEAR(product / 5, expected[i][j], 1.2e-5) << i << " " << j;
    }
  }
}

TEST_F(WordnetImporter, ReducesFeaturesToTheDimensionAsked) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt(2));
  EXPECT_EQ(report.features, 2);
}

TEST_F(WordnetImporter, TakesASplitInPlaceOfItsRandomOne) {
  input_.Write("s.npy", NpyOf<uint8_t>({6}, {1, 2, 3, 1, 2, 3}));
  ImportOptions options = {.from = input_.path(), .store = output_ / "s.qh"};
  options.splits = input_ / "s.npy";
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
  EXPECT_THAT(report.splits, ElementsAre("split"));
}

TEST_F(WordnetImporter, ReportsAMissingFile) {
  std::filesystem::remove(input_ / "data.adj");
  EXPECT_THAT(ImportIt(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("data.adj")));
  EXPECT_FALSE(std::filesystem::exists(output_ / "s.qh"));
}

TEST_F(WordnetImporter, ReportsAPointerToNothing) {
  input_.Write("data.adv", "00000010 02 r 01 quickly 0 001 \\ 00000011 a 0101 | in haste  \n");
  EXPECT_THAT(ImportIt(), StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr("data.adv line 1 points to synset 11 of part of "
                                             "speech a, which is not there")));
}

TEST_F(WordnetImporter, ReportsFieldsThatAreWrong) {
  const auto with = [&](const std::string& line) {
    input_.Write("data.adv", "  1 licence  \n" + line + "\n");
    return ImportIt().status();
  };
  constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(with("00000010 45 r 01 quickly 0 000 | x"),
              StatusIs(kInvalid, HasSubstr("data.adv line 2 field 2 (lex_filenum) is \"45\"; a "
                                           "number of base 10 in [0, 45) is expected")));
  EXPECT_THAT(with("00000010 02 r 0g quickly 0 000 | x"),
              StatusIs(kInvalid, HasSubstr("field 4 (w_cnt) is \"0g\"")));
  EXPECT_THAT(with("00000010 02 r 01 quickly 0 002 \\ 00000010 r 0000 | x"),
              StatusIs(kInvalid, HasSubstr("line 2 ends before field 12 (pointer_symbol)")));
  EXPECT_THAT(with("00000010 02 r 01 quickly 0 000 | x\n00000010 02 r 01 again 0 000 | x"),
              StatusIs(kInvalid, HasSubstr("line 3: synset 10 stands in this file already")));
}

// The same graph as other code made of WordNet 3.0, in OGB's layout.
TEST(Wordnet, EqualsTheReferenceGraph) {
  const std::string reference = RealData() + "/wordnet";
  const std::string wordnet = "/usr/share/wordnet";  // of Debian's wordnet-base
  if (!std::filesystem::exists(reference)) GTEST_SKIP() << reference << " is absent: set QH_DATA";
  if (!std::filesystem::exists(wordnet + "/data.noun"))
    GTEST_SKIP() << wordnet << " is absent: install wordnet-base";
  const TempDir output;
  ThreadPool pool(2);
  ASSERT_OK_AND_ASSIGN(const ImportReport ours,
                       Import({.from = wordnet, .store = output / "a.qh", .project = 8}, pool));
  ASSERT_OK_AND_ASSIGN(const ImportReport theirs,
                       Import({.from = reference, .store = output / "b.qh"}, pool));
  EXPECT_EQ(ours.nodes, 117659);
  EXPECT_EQ(ours.arcs_read, 377592);
  EXPECT_EQ(ours.arcs, 2 * 183789);
  EXPECT_EQ(ours.without_out_neighbours, 1009);
  EXPECT_EQ(ours.self_loops_removed, 19);
  EXPECT_EQ(ours.duplicates_removed, theirs.duplicates_removed);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> a, Store::Open(output / "a.qh"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> b, Store::Open(output / "b.qh"));
  ASSERT_OK_AND_ASSIGN(const Topology graph_a, a->topology());
  ASSERT_OK_AND_ASSIGN(const Topology graph_b, b->topology());
  EXPECT_TRUE(graph_a.indptr == graph_b.indptr);
  EXPECT_TRUE(graph_a.indices32 == graph_b.indices32);
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int32_t> labels_a, a->labels());
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int32_t> labels_b, b->labels());
  EXPECT_TRUE(labels_a == labels_b);
}

}  // namespace
}  // namespace quadhop
