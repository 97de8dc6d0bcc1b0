#include "core/arrays/npy.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<NpyHeader> Parse(const std::string& bytes) {
  return ParseNpyHeader({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "x.npy");
}

// A version 1.0 header around a dict, padded to a multiple of 16 as old numpy did.
std::string HeaderOf(std::string dict) {
  while ((dict.size() + 11) % 16 != 0) dict.push_back(' ');
  dict.push_back('\n');
  return absl::StrCat(std::string("\x93NUMPY\x01\x00", 8),
                      std::string(1, static_cast<char>(dict.size() % 256)),
                      std::string(1, static_cast<char>(dict.size() / 256)), dict);
}

TEST(Npy, HeaderIsByteForByteNumpys) {
  // numpy.save of numpy.zeros((3, 4), 'f4'), numpy 1.24: 128 bytes of header.
  std::string expected("\x93NUMPY\x01\x00v\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
  expected.append(127 - expected.size(), ' ').push_back('\n');
  EXPECT_EQ(NpyHeaderBytes(DType::kF32, {3, 4}), expected);
}

TEST(Npy, RoundTripsEveryTypeAndRank) {
  TempDir dir;
  const std::vector<std::vector<int64_t>> all_dims = {{},     {0},       {5},         {2, 3},
                                                      {0, 7}, {2, 1, 3}, {1, 2, 1, 2}};
  for (const DType dtype :
       {DType::kF32, DType::kF64, DType::kF16, DType::kI64, DType::kI32, DType::kI16, DType::kI8,
        DType::kU64, DType::kU32, DType::kU16, DType::kU8}) {
    for (const auto& dims : all_dims) {
      NpyHeader shape;
      shape.dtype = dtype;
      shape.dims = dims;
      std::vector<uint8_t> data(static_cast<size_t>(shape.data_bytes()));
      for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i + 1);
      ASSERT_OK(WriteNpy(dir / "a.npy", dtype, dims, data.data()));
      ASSERT_OK_AND_ASSIGN(const NpyFile file, NpyFile::Open(dir / "a.npy"));
      EXPECT_EQ(file.header().dtype, dtype);
      EXPECT_EQ(file.header().dims, dims);
      EXPECT_EQ(file.header().data_offset % 64, 0);
      const uint8_t* read = static_cast<const uint8_t*>(file.data());
      EXPECT_EQ(std::vector<uint8_t>(read, read + shape.data_bytes()), data);
    }
  }
}

TEST(Npy, WritesViewsAndReadsTypedValues) {
  TempDir dir;
  Tensor<int32_t> tensor({2, 3});
  for (int i = 0; i < 6; ++i) tensor[i] = i - 2;
  ASSERT_OK(WriteNpy(dir / "a.npy", tensor.cview()));
  ASSERT_OK_AND_ASSIGN(const NpyFile file, NpyFile::Open(dir / "a.npy"));
  EXPECT_THAT(file.header().dims, ElementsAre(2, 3));
  EXPECT_THAT(file.values<int32_t>(), ElementsAre(-2, -1, 0, 1, 2, 3));
  EXPECT_DEATH(file.values<uint32_t>(), "npy.h");
}

TEST(Npy, BF16IsWrittenAsU16) {
  TempDir dir;
  const uint16_t one = FloatToBF16(1.0f);
  ASSERT_OK(WriteNpy(dir / "a.npy", DType::kBF16, {1}, &one));
  ASSERT_OK_AND_ASSIGN(const NpyFile file, NpyFile::Open(dir / "a.npy"));
  EXPECT_THAT(file.values<uint16_t>(), ElementsAre(0x3f80));
}

TEST(NpyHeader, IsReadInTheFormsThatOtherProgramsWrite) {
  ASSERT_OK_AND_ASSIGN(
      NpyHeader header,
      Parse(HeaderOf("{\"shape\":(3L,),\"fortran_order\":True,\"descr\":\"<i8\"}")));
  EXPECT_EQ(header.dtype, DType::kI64);
  EXPECT_TRUE(header.fortran_order);
  EXPECT_THAT(header.dims, ElementsAre(3));
  // Version 2.0 has four bytes of length.
  const std::string dict = "{'descr': '|b1', 'fortran_order': False, 'shape': ( ), }\n";
  ASSERT_OK_AND_ASSIGN(
      header, Parse(absl::StrCat(std::string("\x93NUMPY\x02\x00", 8),
                                 std::string({static_cast<char>(dict.size()), 0, 0, 0}), dict)));
  EXPECT_EQ(header.dtype, DType::kU8);  // numpy's bool
  EXPECT_EQ(header.size(), 1);
  EXPECT_EQ(header.data_offset, 12 + static_cast<int64_t>(dict.size()));
}

TEST(NpyHeader, MalformedOnesAreRefusedWithTheReason) {
  const auto refused = [](const char* why) {
    return StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("x.npy"), HasSubstr(why)));
  };
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
  ASSERT_OK(Parse(HeaderOf(good)));
  EXPECT_THAT(Parse(""), refused("magic"));
  EXPECT_THAT(Parse("PK\x03\x04 a zip file"), refused("magic"));
  std::string version = HeaderOf(good);
  version[6] = 9;
  EXPECT_THAT(Parse(version), refused("format version 9.0"));
  for (size_t bytes = 10; bytes < HeaderOf(good).size(); ++bytes)
    EXPECT_THAT(Parse(HeaderOf(good).substr(0, bytes)), refused("ends inside its header"));
  const std::pair<const char*, const char*> cases[] = {
      {"", "not the dict"},
      {"{}", "not the dict"},
      {"{'descr': '<f4', 'fortran_order': False}", "not the dict"},
      {"{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}", "not the dict"},
      {"{'descr': '<f4', 'fortran_order': No, 'shape': (3,)}", "not the dict"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x", "not the dict"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", "not the dict"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (3.5,)}", "not the dict"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "not the dict"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
       "not the dict"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'extra': 1}", "'extra'"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
       "repeated key 'descr'"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (3,)}",
       "big-endian elements ('>f4'): convert with a.astype('<f4')"},
      {"{'descr': '<U5', 'fortran_order': False, 'shape': (3,)}", "texts: save numbers instead"},
      {"{'descr': '|O', 'fortran_order': False, 'shape': (3,)}",
       "Python objects, as numpy saves None and sparse matrices: leave the array out"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", "structured"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
       "more than 2^63 bytes"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2305843009213693952,)}",
       "more than 2^63 bytes"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775807,)}",
       "more than 2^63 bytes"},
  };
  for (const auto& [dict, why] : cases) EXPECT_THAT(Parse(HeaderOf(dict)), refused(why)) << dict;
}

// Whatever the bytes, the reader answers: it neither crashes nor reads beyond the end (run under
// the sanitizers).
TEST(NpyHeader, AnyOneByteChangedIsReadOrRefused) {
  const std::string good = NpyHeaderBytes(DType::kI32, {123, 45});
  for (size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = good;
      changed[at] = static_cast<char>(value);
      const auto header = Parse(changed);
      EXPECT_TRUE(!header.ok() || header->data_bytes() >= 0);
    }
  }
}

TEST(Npy, AFileOfTheWrongSizeIsRefusedWithBothSizes) {
  TempDir dir;
  const std::vector<float> values(12, 1.0f);
  ASSERT_OK(WriteNpy(dir / "a.npy", DType::kF32, {3, 4}, values.data()));
  const std::string whole = ReadFile(dir / "a.npy").value();
  ASSERT_EQ(whole.size(), 176u);
  for (const size_t bytes : {175u, 128u, 127u, 11u, 9u, 0u}) {
    ASSERT_OK(WriteFileAtomically(dir / "cut.npy", whole.substr(0, bytes)));
    EXPECT_THAT(NpyFile::Open(dir / "cut.npy"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(dir / "cut.npy")));
  }
  ASSERT_OK(WriteFileAtomically(dir / "cut.npy", whole.substr(0, 175)));
  EXPECT_THAT(NpyFile::Open(dir / "cut.npy"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("175 bytes"), HasSubstr("f32 [3, 4]"), HasSubstr("176"),
                             HasSubstr("cut short"))));
  ASSERT_OK(WriteFileAtomically(dir / "long.npy", whole + "x"));
  EXPECT_THAT(NpyFile::Open(dir / "long.npy"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("177 bytes")));
}

// A python3 that has numpy, or "".
std::string PythonWithNumpy() {
  for (const char* python : {"python3", "/usr/bin/python3"}) {
    if (std::system(absl::StrCat(python, " -c 'import numpy' 2>/dev/null").c_str()) == 0)
      return python;
  }
  return "";
}

TEST(Npy, NumpyReadsWhatWeWriteAndWeReadWhatItWrites) {
  const std::string python = PythonWithNumpy();
  if (python.empty()) GTEST_SKIP() << "no python3 with numpy here";
  TempDir dir;
  const std::vector<int64_t> ints = {-1, 2, int64_t{1} << 40};
  const std::vector<uint16_t> halves = {0x3c00, 0xc000, 0x0001, 0x7bff};
  ASSERT_OK(WriteNpy(dir / "ints.npy", DType::kI64, {3}, ints.data()));
  ASSERT_OK(WriteNpy(dir / "halves.npy", DType::kF16, {2, 2, 1}, halves.data()));
  ASSERT_OK(WriteNpy(dir / "none.npy", DType::kU32, {0, 5}, nullptr));
  const std::string program = absl::StrCat(
      "import numpy as n, os; os.chdir('", dir.path(),
      "'); i = n.load('ints.npy', mmap_mode='r'); ",
      "assert i.dtype == n.int64 and i.tolist() == [-1, 2, 2**40]; h = n.load('halves.npy'); ",
      "assert h.dtype == n.float16 and h.shape == (2, 2, 1) and h.ravel().tolist() == [1.0, -2.0, "
      "2.0**-24, 65504.0]; ",
      "z = n.load('none.npy'); assert z.dtype == n.uint32 and z.shape == (0, 5); ",
      "n.save('theirs.npy', n.arange(6, dtype='<f8').reshape(3, 2)); n.save('bools.npy', "
      "n.array([True, False])); ",
      "n.save('fortran.npy', n.asfortranarray(n.zeros((2, 3), 'i2')))");
  ASSERT_EQ(std::system(absl::StrCat(python, " -c \"", program, "\"").c_str()), 0);
  ASSERT_OK_AND_ASSIGN(const NpyFile theirs, NpyFile::Open(dir / "theirs.npy"));
  EXPECT_THAT(theirs.header().dims, ElementsAre(3, 2));
  EXPECT_THAT(theirs.values<double>(), ElementsAre(0, 1, 2, 3, 4, 5));
  ASSERT_OK_AND_ASSIGN(const NpyFile bools, NpyFile::Open(dir / "bools.npy"));
  EXPECT_THAT(bools.values<uint8_t>(), ElementsAre(1, 0));
  ASSERT_OK_AND_ASSIGN(const NpyFile fortran, NpyFile::Open(dir / "fortran.npy"));
  EXPECT_TRUE(fortran.header().fortran_order);
}

}  // namespace
}  // namespace quadhop
