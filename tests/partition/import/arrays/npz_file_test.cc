#include "partition/import/arrays/npz_file.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// An archive of one member of `num_bytes`, deflated or stored, whose headers say another checksum.
class WrongChecksum : public ::testing::TestWithParam<std::tuple<int64_t, bool>> {
 protected:
  void SetUp() override {
    const auto [num_bytes, deflated] = GetParam();
    const int64_t count = (num_bytes - 128) / 4;  // after the header of an .npy file
    WriteZip(input_ / "a.npz",
             {{"x.npy", NpyOf<float>({count}, std::vector<float>(static_cast<size_t>(count), 1))}},
             deflated);
    ASSERT_OK_AND_ASSIGN(const std::string whole, ReadFile(input_ / "a.npz"));
    const std::string checksum = whole.substr(14, 4);  // of the first member (APPNOTE 4.3.7)
    input_.Write("a.npz", absl::StrReplaceAll(whole, {{checksum, "oops"}}));
  }
  InputFolder input_;
};

TEST_P(WrongChecksum, IsFoundAtTheEndOfAnArray) {
  const auto read = [&]() -> absl::StatusOr<std::vector<float>> {
    QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(input_ / "a.npz", 1 << 30));
    QH_ASSIGN_OR_RETURN(ArraySource array, npz.Array("x"));
    return array.ReadRest<float>(1 << 30);
  };
  EXPECT_THAT(read(),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr(absl::StrCat("x.npy, near byte ", std::get<0>(GetParam()))),
                             HasSubstr("CRC"))));
}

// Members are read ahead by the MB: they end in the middle of a block, and with one.
INSTANTIATE_TEST_SUITE_P(Members, WrongChecksum,
                         ::testing::Combine(::testing::Values(1 << 12, 1 << 20, 3 << 19, 1 << 21),
                                            ::testing::Bool()),
                         [](const auto& param_info) {
                           return absl::StrCat(
                               std::get<0>(param_info.param),
                               std::get<1>(param_info.param) ? "Deflated" : "Stored");
                         });

}  // namespace
}  // namespace quadhop
