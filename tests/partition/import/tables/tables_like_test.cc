// Tables imported --like the store of earlier ones.
#include <absl/strings/str_cat.h>

#include <cmath>

#include "partition/cuts/partition_store.h"
#include "partition/features/propagate.h"
#include "tests/partition/import/tables/tables_fixture.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

// The store of an earlier table, old.qh: income has mean 4 and deviation sqrt(8).
class TablesLike : public Tables {
 protected:
  void SetUp() override {
    ASSERT_OK(ImportAs("old.qh", "id,income,city,label\na,2,rome,no\nb,2,oslo,yes\nc,8,rome,no\n"));
  }
  absl::StatusOr<ImportReport> ImportAs(const std::string& store, const std::string& nodes,
                                        const std::string& like = "") {
    input_.Write("edges.csv", "a,a\n");
    input_.Write("nodes.csv", nodes);
    ImportOptions options = OptionsFor("edges.csv");
    options.nodes = {input_ / "nodes.csv"};
    options.store = output_ / store;
    if (nodes.find("city") != std::string::npos) options.one_hot = {"city"};
    if (!like.empty()) options.like = output_ / like;
    return Import(options, pool_);
  }
  absl::StatusOr<ImportReport> ImportLike(const std::string& nodes) {
    return ImportAs("s.qh", nodes, "old.qh");
  }
  std::vector<float> Standardized(const std::string& store) {
    PropagateOptions options;
    options.hops = 0;
    options.standardize = true;
    EXPECT_OK(PropagateStore(output_ / store, options, pool_));
    const auto opened = Store::Open(output_ / store).value();
    const FeatureTable table = opened->features().value();
    const auto* values = static_cast<const float*>(table.data);
    return {values, values + table.num_nodes * table.row_size()};
  }
};

TEST_F(TablesLike, HaveTheCategoriesAndClassesOfTheOtherStore) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportLike("city,id,label,Income\nkiel,a,yes,1\noslo,b,,1\nrome,d,yes,1\nkiel,e,?,1\n"));
  EXPECT_THAT(Features(), ElementsAre(1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0));
  EXPECT_THAT(Labels(), ElementsAre(1, -1, 1, -1));
  EXPECT_THAT(ClassNames(), ElementsAre("no", "yes"));
  EXPECT_THAT(report.Describe(), HasSubstr("2 features; \"kiel\" is none of these"));
}

TEST_F(TablesLike, NeedNoLabels) {
  ASSERT_OK(ImportLike("id,income,city\na,2,rome\nb,2,kiel\n"));
  EXPECT_FALSE(OpenStore()->HasFile("labels.npy"));
}

TEST_F(TablesLike, HaveItsMeansWhereAFeatureIsMissing) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportLike("id,income,city,label\na,100,rome,no\nb,,rome,no\nd,300,oslo,yes\n"));
  EXPECT_THAT(Features(), ElementsAre(100, 0, 1, 4, 0, 1, 300, 1, 0));
  EXPECT_THAT(report.Describe(), HasSubstr("set to the mean of --like"));
}

TEST_F(TablesLike, AreStandardizedByItsMoments) {
  const std::string nodes = "id,income,city,label\na,4,rome,no\nb,12,oslo,yes\n";
  ASSERT_OK(ImportLike(nodes));
  const float income_of_12 = 8 / std::sqrt(8.0F);
  const float oslo = 1 / std::sqrt(2.0F);  // (1 - 1/3) / sqrt(2/9) = 2 * oslo, (0 - 1/3) / ...
  const auto expected = ElementsAre(0, FloatEq(-oslo), FloatEq(oslo), FloatEq(income_of_12),
                                    FloatEq(2 * oslo), FloatEq(-2 * oslo));
  EXPECT_THAT(Standardized("s.qh"), expected);
  // As is one that is like this one, even once it is cut.
  ASSERT_OK(PartitionStore(output_ / "s.qh", {.parts = 2, .method = "hash"}, pool_));
  ASSERT_OK(ImportAs("next.qh", nodes, "s.qh"));
  EXPECT_THAT(Standardized("next.qh"), expected);
}

TEST_F(TablesLike, SayInTheirProvenanceWhichStoreItIs) {
  const auto import_of = [&](const std::string& store) {
    return Store::Open(output_ / store).value()->FindStep("import")->options();
  };
  const std::string nodes = "id,income,city\na,2,rome\nb,2,kiel\n";
  ASSERT_OK(ImportLike(nodes));
  const std::string like_old = import_of("s.qh");
  EXPECT_THAT(import_of("old.qh"), Not(HasSubstr("like=")));
  EXPECT_THAT(like_old, HasSubstr("like="));
  EXPECT_THAT(OpenStore()->FindStep("import")->sources(),
              HasSubstr("; --like " + output_ / "old.qh"));
  ASSERT_OK(ImportAs("next.qh", nodes, "s.qh"));
  EXPECT_EQ(import_of("next.qh"), like_old);
  ASSERT_OK(ImportAs("old.qh", "id,income,city,label\na,2,rome,no\nb,9,oslo,yes\n"));
  ASSERT_OK(ImportLike(nodes));
  EXPECT_NE(import_of("s.qh"), like_old);
}

TEST_F(TablesLike, RefuseWhatTheOtherStoreDoesNotHave) {
  EXPECT_THAT(ImportLike("id,income,city,label\na,2,rome,maybe\n"),
              StatusIs(kInvalid, HasSubstr("the label \"maybe\", which is none of the 2 classes")));
  EXPECT_THAT(ImportLike("id,wealth,city,label\na,2,rome,no\n"),
              StatusIs(kFailedPrecondition,
                       HasSubstr("number 1 is \"income\" there, and \"wealth\" here")));
  EXPECT_THAT(ImportLike("id,city,label\na,rome,no\n"),
              StatusIs(kFailedPrecondition,
                       HasSubstr("number 1 is \"income\" there, and \"city=oslo\" here")));
  EXPECT_THAT(
      ImportLike("id,income,label\na,2,no\n"),
      StatusIs(kFailedPrecondition, HasSubstr("number 2 is \"city=oslo\" there, and absent here")));
  ImportOptions options = OptionsFor("edges.csv");
  options.nodes = {input_ / "nodes.csv"};
  options.like = output_ / "old.qh";
  options.project = 4;
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("--project")));
  options.project = 0;
  options.store = options.like;
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("--like")));
}

TEST_F(TablesLike, HaveNumberedClassesAsTheOtherStoreEvenIfTheLastDoNotOccur) {
  ASSERT_OK(ImportAs("old.qh", "id,income,label\na,2,0\nb,2,1\nc,8,2\n"));
  ASSERT_OK(ImportLike("id,income,label\na,2,1.0\nb,2,0\nc,8,-1\n"));
  EXPECT_THAT(Labels(), ElementsAre(1, 0, -1));
  EXPECT_THAT(ClassNames(), IsEmpty());
  EXPECT_EQ(OpenStore()->manifest().classes(), 3);
  EXPECT_THAT(ImportLike("id,income,label\na,2,3\n"),
              StatusIs(kInvalid, HasSubstr("the label \"3\"")));
}

}  // namespace
}  // namespace quadhop
