// The masks of a split among the arrays of a file, and arrays that import has no use for.
#include <matio.h>

#include <algorithm>

#include "core/files/file.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_fixture.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Arrays = std::map<std::string, std::vector<uint8_t>>;  // [4] each, or ids

// Four nodes with labels, in an .npz or a .mat file.
class Masks : public ImportOf, public ::testing::WithParamInterface<std::string> {
 protected:
  std::string FileName() const { return GetParam() == "linkx" ? "g.mat" : "g.npz"; }
  void Write(const Arrays& arrays) const {
    if (GetParam() == "linkx") return WriteMat(arrays);
    std::map<std::string, std::string> members = {
        {"x.npy", NpyOf<float>({4, 1}, {1, 2, 3, 4})},
        {"y.npy", NpyOf<int64_t>({4}, {0, 1, 0, 1})},
        {"edge_index.npy", NpyOf<int64_t>({2, 2}, {0, 1, 2, 3})}};
    if (GetParam() == "shchur")
      members = {{"adj_indptr.npy", NpyOf<int32_t>({5}, {0, 1, 1, 2, 2})},
                 {"adj_indices.npy", NpyOf<int32_t>({2}, {1, 3})},
                 {"adj_shape.npy", NpyOf<int64_t>({2}, {4, 4})},
                 {"labels.npy", NpyOf<int64_t>({4}, {0, 1, 0, 1})}};
    for (const auto& [name, values] : arrays)
      members[name + ".npy"] = NpyOf<uint8_t>({static_cast<int64_t>(values.size())}, values);
    WriteZip(input_ / FileName(), members);
  }
  absl::StatusOr<ImportReport> ImportWith(const Arrays& arrays) {
    Write(arrays);
    return ImportIt(FileName());
  }

 private:
  void WriteMat(Arrays arrays) const {
    mat_t* const mat = Mat_CreateVer((input_ / FileName()).c_str(), nullptr, MAT_FT_MAT5);
    const auto write = [&](const std::string& name, size_t rows, size_t columns, uint8_t* data) {
      size_t dims[] = {rows, columns};
      matvar_t* const variable =
          Mat_VarCreate(name.c_str(), MAT_C_UINT8, MAT_T_UINT8, 2, dims, data, 0);
      EXPECT_EQ(Mat_VarWrite(mat, variable, MAT_COMPRESSION_NONE), 0);
      Mat_VarFree(variable);
    };
    uint8_t arcs[] = {0, 1, 2, 3}, labels[] = {0, 1, 0, 1};
    write("edge_index", 2, 2, arcs);
    write("label", 1, 4, labels);
    for (auto& [name, values] : arrays) write(name, 1, values.size(), values.data());
    Mat_Close(mat);
  }
};

INSTANTIATE_TEST_SUITE_P(Formats, Masks, ::testing::Values("pyg", "shchur", "linkx"),
                         [](const auto& format) { return format.param; });

TEST_P(Masks, MakeASplit) {
  for (const std::string suffix : {"_mask", "_masks"}) {
    ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportWith({{"train" + suffix, {0, 1, 1, 0}},
                                                                {"val" + suffix, {1, 0, 0, 0}},
                                                                {"test" + suffix, {0, 0, 0, 1}}}));
    EXPECT_EQ(report.format, GetParam());
    EXPECT_THAT(report.splits, ElementsAre("split"));
    EXPECT_THAT(report.Describe(), AllOf(Not(HasSubstr("at random")), Not(HasSubstr("not used"))));
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
    EXPECT_THAT(store->split("split"), IsOkAndHolds(ElementsAre(2, 1, 1, 3)));
  }
}

TEST_P(Masks, MayBeNodeIdsInstead) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportWith({{"train_idx", {1, 2}}, {"valid_idx", {0}}, {"test_idx", {3}}}));
  EXPECT_THAT(report.Describe(), AllOf(Not(HasSubstr("at random")), Not(HasSubstr("not used"))));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  EXPECT_THAT(store->split("split"), IsOkAndHolds(ElementsAre(2, 1, 1, 3)));
  // Masks under these names.
  ASSERT_OK(ImportWith(
      {{"train_idx", {0, 1, 1, 0}}, {"valid_idx", {1, 0, 0, 0}}, {"test_idx", {0, 0, 0, 1}}}));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> of_masks, Store::Open(output_ / "s.qh"));
  EXPECT_THAT(of_masks->split("split"), IsOkAndHolds(ElementsAre(2, 1, 1, 3)));
  EXPECT_THAT(ImportWith({{"train_nid", {1, 2}}, {"test_nid", {3}}}),
              StatusIs(kInvalid, HasSubstr("no val_nid: ")));
  EXPECT_THAT(ImportWith({{"train_idx", {1, 9}}, {"val_idx", {0}}, {"test_idx", {3}}}),
              StatusIs(kInvalid, HasSubstr("train element 1 is node 9")));
}

TEST_P(Masks, AreRefusedIfAPartIsMissing) {
  EXPECT_THAT(ImportWith({{"val_masks", {1, 0, 0, 0}}, {"test_masks", {0, 0, 0, 1}}}),
              StatusIs(kInvalid, HasSubstr(FileName() + " has val_masks and test_masks, but no "
                                                        "train_masks: ")));
  EXPECT_THAT(ImportWith({{"train_mask", {1, 0, 0, 0}}}),
              StatusIs(kInvalid, AllOf(HasSubstr("has train_mask, but no val_mask and test_mask"),
                                       HasSubstr("--splits"))));
}

TEST_P(Masks, MayBeMissingIfASplitIsGiven) {
  Write({{"train_mask", {1, 0, 0, 0}}});
  input_.Write("s.npy", NpyOf<uint8_t>({4}, {1, 2, 3, 3}));
  ImportOptions options = OptionsFor(FileName());
  options.splits = input_ / "s.npy";
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
  EXPECT_THAT(report.Describe(), HasSubstr("note: not used: train_mask"));
}

TEST_P(Masks, AreTakenInOneNumber) {
  const Arrays arrays = {{"train_mask", {0, 1, 1, 0}},  {"val_mask", {1, 0, 0, 0}},
                         {"test_mask", {0, 0, 0, 1}},   {"train_masks", {1, 0, 0, 0}},
                         {"val_masks", {0, 1, 0, 0}},   {"test_masks", {0, 0, 1, 0}},
                         {"random_walk", {9, 9, 9, 9}}, {"fold_of_node", {1, 2, 1, 2}}};
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportWith(arrays));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  EXPECT_THAT(store->split("split"), IsOkAndHolds(ElementsAre(1, 2, 3, 0)));
  EXPECT_THAT(report.Describe(), HasSubstr("note: not used: fold_of_node, random_walk, test_mask, "
                                           "train_mask, val_mask"));
}

TEST_P(Masks, AreNotSaidToBeAbsentWhereAnotherArrayMaySplit) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportWith({{"fold_of_node", {1, 2, 1, 2}}}));
  EXPECT_THAT(report.Describe(),
              AllOf(HasSubstr("note: not used: fold_of_node"), HasSubstr("made at random"),
                    Not(HasSubstr("no split in the input"))));
}

class MasksOfDgl : public ImportOf {};

TEST_F(MasksOfDgl, AreRefusedIfAPartIsMissing) {
  WriteLittleGraph("dgl", input_.path());
  ASSERT_OK_AND_ASSIGN(std::string metadata, ReadFile(input_ / "metadata.json"));
  metadata.replace(metadata.find("val_mask"), 8, "for_what");
  input_.Write("metadata.json", metadata);
  EXPECT_THAT(ImportIt(""), StatusIs(kInvalid, HasSubstr("metadata.json has train_mask and "
                                                         "test_mask, but no val_mask: ")));
}

}  // namespace
}  // namespace quadhop
