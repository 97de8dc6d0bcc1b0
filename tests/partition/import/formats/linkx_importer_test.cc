#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <matio.h>

#include <string>
#include <vector>

#include "tests/partition/import/import_fixture.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Four nodes in a .mat file, with features and labels under names of choice.
class LinkxImporter : public ImportOf {
 protected:
  absl::StatusOr<ImportReport> ImportMat(const std::string& features, const std::string& labels) {
    mat_t* const mat = Mat_CreateVer((input_ / "g.mat").c_str(), nullptr, MAT_FT_MAT5);
    const auto write = [&](const std::string& name, size_t rows, size_t columns,
                           std::vector<double> values) {
      size_t dims[] = {rows, columns};
      matvar_t* const variable =
          Mat_VarCreate(name.c_str(), MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, values.data(), 0);
      EXPECT_EQ(Mat_VarWrite(mat, variable, MAT_COMPRESSION_NONE), 0);
      Mat_VarFree(variable);
    };
    write("edge_index", 2, 2, {0, 1, 2, 3});
    write(features, 4, 2, {1, 2, 3, 4, 5, 6, 7, 8});  // by column
    write(labels, 1, 4, {0, 1, 0, 1});
    Mat_Close(mat);
    return ImportIt("g.mat");
  }
};

TEST_F(LinkxImporter, KnowsFeaturesAndLabelsByTheNamesThatOthersGiveThem) {
  for (const char* features : {"node_feat", "features", "attrb", "X", "x"})
    for (const char* labels : {"label", "labels", "y"}) {
      ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportMat(features, labels));
      EXPECT_THAT(report.Describe(), AllOf(HasSubstr("features: 2"), HasSubstr("classes: 2"),
                                           Not(HasSubstr("not used"))))
          << features << " " << labels;
      ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(output_ / "s.qh"));
      ASSERT_OK_AND_ASSIGN(const NpyFile* raw, store->array("raw.npy"));
      EXPECT_THAT(raw->values<float>(), ElementsAre(1, 5, 2, 6, 3, 7, 4, 8));
    }
}

TEST_F(LinkxImporter, SaysWhichNamesOfFeaturesItKnows) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportMat("attributes", "label"));
  EXPECT_THAT(report.Describe(),
              AllOf(HasSubstr("no features, as node_feat, features, attrb, X, x: positional"),
                    HasSubstr("not used: attributes")));
}

}  // namespace
}  // namespace quadhop
