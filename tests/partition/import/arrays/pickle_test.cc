#include "partition/import/arrays/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// pickle.dumps(numpy.array([[1, 2, 3], [4, 5, 6]], "i4", order="F"), protocol=5)
constexpr char kArrayOfProtocol5[] =
    "\x80\x05\x95\x8d\x00\x00\x00\x00\x00\x00\x00\x8c\x12\x6e\x75\x6d\x70\x79\x2e\x63\x6f"
    "\x72\x65\x2e\x6e\x75\x6d\x65\x72\x69\x63\x94\x8c\x0b\x5f\x66\x72\x6f\x6d\x62\x75\x66"
    "\x66\x65\x72\x94\x93\x94\x28\x96\x18\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04"
    "\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x00\x03\x00\x00\x00\x06\x00\x00\x00\x94\x8c"
    "\x05\x6e\x75\x6d\x70\x79\x94\x8c\x05\x64\x74\x79\x70\x65\x94\x93\x94\x8c\x02\x69\x34"
    "\x94\x89\x88\x87\x94\x52\x94\x28\x4b\x03\x8c\x01\x3c\x94\x4e\x4e\x4e\x4a\xff\xff\xff"
    "\xff\x4a\xff\xff\xff\xff\x4b\x00\x74\x94\x62\x4b\x02\x4b\x03\x86\x94\x8c\x01\x46\x94"
    "\x74\x94\x52\x94\x2e";

TEST(Pickle, ReadsAnArrayOfProtocol5) {
  const absl::string_view bytes(kArrayOfProtocol5, sizeof(kArrayOfProtocol5) - 1);
  ASSERT_OK_AND_ASSIGN(const Pickle pickle, Pickle::Read(bytes, "a.pickle"));
  ASSERT_OK_AND_ASSIGN(ArraySource array, ArrayOf(pickle.root(), "a.pickle"));
  EXPECT_THAT(array.dims(), ElementsAre(2, 3));
  EXPECT_TRUE(array.fortran_order());
  EXPECT_THAT(array.ReadRest<int64_t>(1 << 20), IsOkAndHolds(ElementsAre(1, 4, 2, 5, 3, 6)));
}

TEST(Pickle, AsksForALaterProtocolWhereItIsOfAnEarlyOne) {
  EXPECT_THAT(Pickle::Read("ccopy_reg\n_reconstructor\n", "a.pickle"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("it is of protocol 0 or 1: write it with protocol 2 to 5")));
}

}  // namespace
}  // namespace quadhop
