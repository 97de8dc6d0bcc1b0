#include "model/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/check.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A file of a header, its length and `data_bytes` zeros, written byte by byte.
std::string FileOf(const std::string& header, size_t data_bytes) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes.push_back(static_cast<char>(uint64_t{header.size()} >> (8 * i) & 0xFF));
  return bytes + header + std::string(data_bytes, '\0');
}

absl::Status OpenBytes(const std::string& bytes) {
  const TempDir folder;
  const std::string path = folder / "hostile.safetensors";
  QH_CHECK(WriteFileAtomically(path, bytes).ok());
  return SafetensorsFile::Open(path).status();
}

TEST(Safetensors, ReadsBackEveryDtypeThatItWrites) {
  const double f64[] = {1.5, -1e300};
  const float f32[] = {0.25f, -3};
  const uint16_t f16[] = {0x3C00, 0xC100};   // 1, -2.5
  const uint16_t bf16[] = {0x3F80, 0xC020};  // 1, -2.5
  const int64_t i64[] = {-(int64_t{1} << 60), 7};
  const int32_t i32[] = {-5, 6};
  const int16_t i16[] = {-300, 300};
  const uint8_t u8[] = {0, 255};
  const TempDir folder;
  const std::string path = folder / "dtypes.safetensors";
  ASSERT_TRUE(WriteSafetensors(path,
                               {{"z.f64", DType::kF64, {2}, f64},
                                {"f32", DType::kF32, {1, 2}, f32},
                                {"f16", DType::kF16, {2, 1}, f16},
                                {"bf16", DType::kBF16, {2}, bf16},
                                {"i64", DType::kI64, {2}, i64},
                                {"i32", DType::kI32, {2}, i32},
                                {"i16", DType::kI16, {2}, i16},
                                {"u8", DType::kU8, {2}, u8},
                                {"scalar", DType::kI64, {}, i64},
                                {"empty", DType::kF32, {0, 5}, nullptr}},
                               {{"kind", "test"}, {"n", "2"}})
                  .ok());
  absl::StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->metadata(), (std::map<std::string, std::string>{{"kind", "test"}, {"n", "2"}}));
  EXPECT_EQ(file->names().front(), "z.f64");
  EXPECT_EQ(file->names().size(), 10u);
  EXPECT_THAT(*file->ReadAsDouble("z.f64"), ElementsAre(1.5, -1e300));
  EXPECT_THAT(*file->ReadAsFloat("f32"), ElementsAre(0.25f, -3));
  EXPECT_THAT(*file->ReadAsDouble("f32"), ElementsAre(0.25, -3));
  EXPECT_THAT(*file->ReadAsFloat("f16"), ElementsAre(1, -2.5f));
  EXPECT_THAT(*file->ReadAsFloat("bf16"), ElementsAre(1, -2.5f));
  EXPECT_THAT(*file->ReadAsInt64("i64"), ElementsAre(-(int64_t{1} << 60), 7));
  EXPECT_THAT(*file->ReadAsInt64("i32"), ElementsAre(-5, 6));
  EXPECT_THAT(*file->ReadAsInt64("i16"), ElementsAre(-300, 300));
  EXPECT_THAT(*file->ReadAsDouble("u8"), ElementsAre(0, 255));
  EXPECT_THAT(*file->ReadAsInt64("scalar"), ElementsAre(i64[0]));
  EXPECT_THAT(file->Find("f32")->dims, ElementsAre(1, 2));
  EXPECT_THAT(file->Find("scalar")->dims, ElementsAre());
  EXPECT_EQ(file->Find("empty")->size(), 0);
}

TEST(Safetensors, WritesTheBytesOfTheFormat) {
  const uint8_t values[] = {9, 8};
  const TempDir folder;
  const std::string path = folder / "bytes.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, {{"b", DType::kU8, {2}, values}}, {{"k", "v"}}).ok());
  std::string header =
      R"({"__metadata__":{"k":"v"},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(*ReadFile(path), FileOf(header, 0) + "\x09\x08");
}

TEST(Safetensors, SaysWhichArrayIsNotThereOrNotOfIntegers) {
  const float values[] = {1};
  const TempDir folder;
  const std::string path = folder / "absent.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, {{"a", DType::kF32, {1}, values}}, {}).ok());
  absl::StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok());
  const absl::Status absent = file->ReadAsFloat("b").status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(absent.message()), HasSubstr("'b'"));
  EXPECT_EQ(file->ReadAsInt64("a").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SafetensorsFile::Open(TempDir() / "no_such_file").status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Safetensors, RefusesToWriteWhatItCouldNotReadAndLeavesTheFileAsItWas) {
  const TempDir folder;
  const std::string path = folder / "refused.safetensors";
  ASSERT_TRUE(WriteFileAtomically(path, "before").ok());
  const float values[] = {1};
  const NamedTensor good{"a", DType::kF32, {1}, values};
  for (const auto& tensors : std::vector<std::vector<NamedTensor>>{
           {good, good},
           {{"__metadata__", DType::kF32, {1}, values}},
           {{"\xFF", DType::kF32, {1}, values}},
           {{"a", DType::kF32, {-1}, values}},
           {{"a", DType::kF32, {int64_t{1} << 40, int64_t{1} << 40}, values}},
           {{"a", DType::kU32, {1}, values}}}) {
    EXPECT_EQ(WriteSafetensors(path, tensors, {}).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(*ReadFile(path), "before");
  EXPECT_FALSE(FileExists(path + ".tmp"));
}

struct Hostile {
  const char* what;
  std::string bytes;
  const char* message;
};

class SafetensorsHostile : public testing::TestWithParam<Hostile> {};

TEST_P(SafetensorsHostile, IsRefusedWithAMessage) {
  const absl::Status status = OpenBytes(GetParam().bytes);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
  EXPECT_THAT(std::string(status.message()), HasSubstr("hostile.safetensors"));
}

std::string Entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

INSTANTIATE_TEST_SUITE_P(
    Headers, SafetensorsHostile,
    testing::Values(
        Hostile{"ShorterThanALength", "abc", "no header length"},
        Hostile{"LengthBeyondTheFile", std::string("\x40\0\0\0\0\0\0\0{}", 10), "header length 64"},
        Hostile{"LengthOfAllOnes", std::string(8, '\xFF') + "{}", "header length 184467440737"},
        Hostile{"NotJson", FileOf("{\"a\":", 0), "not a JSON object"},
        Hostile{"NotAnObject", FileOf("[]", 0), "not a JSON object"},
        Hostile{"DeepNesting", FileOf(std::string(100000, '['), 0), "not a JSON object"},
        Hostile{"NotUtf8", FileOf("{\"\xFF\":1}", 0), "not a JSON object"},
        Hostile{"EntryNotAnObject", FileOf(R"({"a":3})", 0), "array 'a'"},
        Hostile{"NoDtype", FileOf(R"({"a":{"shape":[],"data_offsets":[0,0]}})", 0), "dtype"},
        Hostile{"UnknownDtype", FileOf(Entry("\"F8\"", "[4]", "[0,4]"), 4), "F64, F32"},
        Hostile{"DtypeNotAString", FileOf(Entry("7", "[4]", "[0,4]"), 4), "dtype"},
        Hostile{"ShapeNotAList", FileOf(Entry("\"F32\"", "1", "[0,4]"), 4), "shape"},
        Hostile{"NegativeDim", FileOf(Entry("\"F32\"", "[-1]", "[0,4]"), 4), "shape"},
        Hostile{"FractionalDim", FileOf(Entry("\"F32\"", "[1.5]", "[0,4]"), 4), "shape"},
        Hostile{"DimAbove63Bits", FileOf(Entry("\"F32\"", "[18446744073709551615]", "[0,4]"), 4),
                "shape"},
        Hostile{"ProductOverflows", FileOf(Entry("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0),
                "does not take"},
        Hostile{"BytesOverflow", FileOf(Entry("\"F64\"", "[2305843009213693952]", "[0,0]"), 0),
                "does not take"},
        Hostile{"ShapeUnlikeOffsets", FileOf(Entry("\"F32\"", "[2]", "[0,4]"), 4), "does not take"},
        Hostile{"OneOffset", FileOf(Entry("\"F32\"", "[1]", "[0]"), 4), "data_offsets"},
        Hostile{"OffsetsBackwards", FileOf(Entry("\"F32\"", "[1]", "[4,0]"), 4), "data_offsets"},
        Hostile{"OffsetsBeyondTheFile", FileOf(Entry("\"F32\"", "[2]", "[0,8]"), 4),
                "not within the 4 bytes"},
        Hostile{"Hole", FileOf(Entry("\"F32\"", "[1]", "[4,8]"), 8), "begins at byte 4"},
        Hostile{"TrailingData", FileOf(Entry("\"F32\"", "[1]", "[0,4]"), 8), "arrays take 4"},
        Hostile{"Overlap",
                FileOf(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                       8),
                "array 'b' begins at byte 4"},
        Hostile{"TwiceTheSameName",
                FileOf(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                       R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                       1),
                "'a' is named twice"},
        Hostile{"MetadataNotAnObject", FileOf(R"({"__metadata__":[]})", 0), "__metadata__"},
        Hostile{"MetadataNotOfStrings", FileOf(R"({"__metadata__":{"n":2}})", 0), "'n'"}),
    [](const auto& test) { return std::string(test.param.what); });

TEST(Safetensors, OpensAFileOfNothing) { EXPECT_TRUE(OpenBytes(FileOf("{}", 0)).ok()); }

TEST(Safetensors, TakesNoHeaderAboveTheLimit) {
  std::string header = "{}";
  header.append(static_cast<size_t>(kMaxSafetensorsHeaderBytes), ' ');
  EXPECT_EQ(OpenBytes(FileOf(header, 0)).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace quadhop
