// Labels, splits and features, as people hand them in.
#include "tests/partition/format_writers.h"
#include "tests/partition/import_fixture.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// OGB's folder without split/.
class OgbWithoutSplit : public ImportOf {
 protected:
  void Write(const std::string& format) {
    WriteLittleGraph(format, input_.path());
    std::filesystem::remove_all(input_ / "split");
  }
};

TEST_F(OgbWithoutSplit, GetsOneAtRandom) {
  for (const char* format : {"ogb", "ogb-binary"}) {
    Write(format);
    ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("", format));
    EXPECT_THAT(report.splits, ElementsAre("random"));
  }
}

TEST_F(OgbWithoutSplit, TakesTheOneGiven) {
  for (const char* format : {"ogb", "ogb-binary", "shchur"}) {
    Write(format);
    input_.Write("s.npy", NpyOf<uint8_t>({6}, {1, 2, 3, 1, 2, 3}));
    ImportOptions options = OptionsFor(format == std::string("shchur") ? "g.npz" : "");
    options.format = format;
    options.splits = input_ / "s.npy";
    ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
    EXPECT_THAT(report.splits, ElementsAre("split")) << format;
  }
}

TEST_F(OgbWithoutSplit, RefusesOneWhereTheInputHasItsOwn) {
  WriteLittleGraph("ogb", input_.path());
  input_.Write("s.npy", NpyOf<uint8_t>({6}, {1, 2, 3, 1, 2, 3}));
  ImportOptions options = OptionsFor("");
  options.splits = input_ / "s.npy";
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("has splits of its own")));
}

}  // namespace
}  // namespace quadhop
