// .mat files that are whole, and headers that promise what is not there. Elements are put together
// here, byte by byte; what libmatio writes is read by importers_test.cc.
#include "partition/import/arrays/mat_file.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>
#include <matio.h>

#include <cstring>
#include <fstream>

#include "core/files/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr uint32_t kInt8 = 1, kInt32 = 5, kUint32 = 6, kDouble = 9, kMatrix = 14, kCompressed = 15;
constexpr uint32_t kCell = 1, kStruct = 2, kText = 4, kSparse = 5, kDoubles = 6, kOpaque = 17;

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// An element whose tag says `num_bytes`, or as many as there are.
std::string Element(uint32_t type, const std::string& data, int64_t num_bytes = -1) {
  const auto said =
      static_cast<uint32_t>(num_bytes < 0 ? static_cast<int64_t>(data.size()) : num_bytes);
  return BytesOf<uint32_t>({type, said}) + data + std::string((8 - data.size() % 8) % 8, '\0');
}

std::string Head(uint32_t array_class, const std::vector<uint32_t>& dims, const std::string& name,
                 int64_t name_bytes = -1) {
  return Element(kUint32, BytesOf<uint32_t>({array_class, 0})) + Element(kInt32, BytesOf(dims)) +
         Element(kInt8, name, name_bytes);
}

// A matrix [3, 3] with rows 1, 2 and 0 in its columns, one value 0.
std::string SparseParts() {
  return Element(kInt32, BytesOf<uint32_t>({1, 2, 0})) +
         Element(kInt32, BytesOf<uint32_t>({0, 1, 2, 3})) +
         Element(kDouble, BytesOf<double>({1, 0, 1}));
}

std::string Compressed(const std::string& element) {
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  std::string out(element.size() + 1000, '\0');
  stream.gzip_flag = IGZIP_ZLIB;
  stream.end_of_stream = 1;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(element.data()));
  stream.avail_in = static_cast<uint32_t>(element.size());
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = static_cast<uint32_t>(out.size());
  EXPECT_EQ(isal_deflate_stateless(&stream), COMP_OK);
  out.resize(stream.total_out);
  return BytesOf<uint32_t>({kCompressed, stream.total_out}) + out;
}

class MatFileTest : public ::testing::TestWithParam<bool> {
 protected:
  absl::StatusOr<MatFile> OpenBytes(const std::string& bytes) {
    const std::string path = folder_ / "f.mat";
    std::ofstream(path, std::ios::binary) << bytes;
    return MatFile::Open(path);
  }
  // A file of level 5 with these variables, compressed or not.
  absl::StatusOr<MatFile> Open(const std::vector<std::string>& matrices) {
    std::string bytes = "MATLAB 5.0 MAT-file";
    bytes.resize(124, ' ');
    bytes += std::string("\0\1IM", 4);
    for (const std::string& matrix : matrices) {
      const std::string element = Element(kMatrix, matrix);
      bytes += GetParam() ? Compressed(element) : element;
    }
    return OpenBytes(bytes);
  }
  TempDir folder_;
};

INSTANTIATE_TEST_SUITE_P(Elements, MatFileTest, ::testing::Bool(), [](const auto& compressed) {
  return compressed.param ? "Compressed" : "Plain";
});

TEST_P(MatFileTest, GivesNumbersByColumns) {
  ASSERT_OK_AND_ASSIGN(const MatFile file, Open({Head(kDoubles, {2, 2}, "label") +
                                                 Element(kDouble, BytesOf<double>({1, 2, 3, 4}))}));
  EXPECT_THAT(file.names(), ElementsAre("label"));
  ASSERT_OK_AND_ASSIGN(ArraySource array, file.Array("label"));
  ASSERT_OK_AND_ASSIGN(const std::vector<double> values, array.ReadRest<double>(1000));
  EXPECT_THAT(values, ElementsAre(1, 2, 3, 4));
}

TEST_P(MatFileTest, GivesASparseMatrixByRows) {
  ASSERT_OK_AND_ASSIGN(const MatFile file, Open({Head(kSparse, {3, 3}, "A") + SparseParts()}));
  ASSERT_OK_AND_ASSIGN(const OwnedSparseMatrix rows, file.SquareMatrix("A"));
  EXPECT_THAT(rows.indptr, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(rows.indices, ElementsAre(2, 0, 1));
}

TEST_P(MatFileTest, TellsTheSizeOfAVariableWithoutReadingIt) {
  ASSERT_OK_AND_ASSIGN(const MatFile file, Open({Head(kSparse, {3, 3}, "A") + SparseParts(),
                                                 Head(kDoubles, {2, 1}, "x") +
                                                     Element(kDouble, BytesOf<double>({1, 2}))}));
  ASSERT_OK_AND_ASSIGN(const MatFile::Size sparse, file.SizeOf("A"));
  EXPECT_EQ(sparse.rows, 3);
  EXPECT_EQ(sparse.columns, 3);
  EXPECT_EQ(sparse.room, 3);
  ASSERT_OK_AND_ASSIGN(const MatFile::Size dense, file.SizeOf("x"));
  EXPECT_EQ(dense.rows, 2);
  EXPECT_EQ(dense.columns, 1);
  EXPECT_FALSE(dense.room.has_value());
}

TEST_P(MatFileTest, RefusesANameLongerThanTheVariable) {
  EXPECT_THAT(Open({Head(kDoubles, {1, 1}, "x", 3'000'000'000)}).status(),
              StatusIs(kInvalid, HasSubstr("the variable at byte 128: its name is said to have "
                                           "3000000000 bytes, but only 8 are left")));
}

TEST_P(MatFileTest, RefusesDimsThatSayOtherNumbersThanThereAre) {
  const std::string one = Element(kDouble, BytesOf<double>({1}));
  EXPECT_THAT(Open({Head(kDoubles, {70'000, 60'000}, "x") + one}).status(),
              StatusIs(kInvalid, HasSubstr("it has 8 bytes of numbers of 8 bytes; its dims say "
                                           "4200000000 numbers")));
  EXPECT_THAT(Open({Head(kDoubles, {1u << 31, 1u << 31, 1u << 31}, "x") + one}).status(),
              StatusIs(kInvalid, HasSubstr("its dims are too large")));
}

TEST_P(MatFileTest, RefusesASparseMatrixOfMoreColumnsThanItHasEndsOf) {
  EXPECT_THAT(
      Open({Head(kSparse, {3, 4'000'000'000}, "A") + SparseParts()}).status(),
      StatusIs(kInvalid, HasSubstr("its column ends are 16 bytes; its dims say 4000000000")));
}

TEST_P(MatFileTest, TakesNoMemoryForRowsThatNobodyWaitsFor) {
  ASSERT_OK_AND_ASSIGN(const MatFile file,
                       Open({Head(kSparse, {4'000'000'000, 3}, "A") + SparseParts()}));
  EXPECT_THAT(file.SquareMatrix("A").status(),
              StatusIs(kInvalid, HasSubstr("A is [4000000000, 3]; 3 rows are needed")));
}

// Whatever they hold: here what libmatio would take memory for.
TEST_P(MatFileTest, PassesVariablesOfOtherClassesBy) {
  const std::string label =
      Head(kDoubles, {2, 2}, "label") + Element(kDouble, BytesOf<double>({1, 2, 3, 4}));
  const std::string opaque = Element(kUint32, BytesOf<uint32_t>({kOpaque, 0})) +
                             Element(kInt8, "table") + Element(kInt8, "MCOS");
  ASSERT_OK_AND_ASSIGN(
      const MatFile file,
      Open({Head(kCell, {1u << 30, 1}, "c") + Element(kMatrix, ""), label, opaque,
            Head(kSparse, {3, 3}, "A") + SparseParts(), Head(kStruct, {1, 1}, "info")}));
  EXPECT_THAT(file.names(), ElementsAre("c", "label", "table", "A", "info"));
  ASSERT_OK_AND_ASSIGN(ArraySource array, file.Array("label"));
  EXPECT_THAT(array.ReadRest<double>(1000), IsOkAndHolds(ElementsAre(1, 2, 3, 4)));
  ASSERT_OK_AND_ASSIGN(const OwnedSparseMatrix rows, file.SquareMatrix("A"));
  EXPECT_THAT(rows.indices, ElementsAre(2, 0, 1));
}

TEST_P(MatFileTest, NamesTheClassOfAVariableThatIsNeeded) {
  ASSERT_OK_AND_ASSIGN(const MatFile file,
                       Open({Head(kCell, {1, 1}, "label") + Element(kMatrix, ""),
                             Head(kStruct, {1, 1}, "A") + Element(kInt32, "")}));
  EXPECT_THAT(file.Array("label").status(),
              StatusIs(kInvalid, HasSubstr("f.mat: label is a cell array; numbers are needed")));
  EXPECT_THAT(file.SquareMatrix("A").status(),
              StatusIs(kInvalid, HasSubstr("f.mat: A is a struct; numbers are needed")));
  EXPECT_THAT(file.Array("b").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("it has: A, label")));
}

TEST_P(MatFileTest, RefusesAnUnknownClass) {
  EXPECT_THAT(Open({Head(99, {1, 1}, "x")}).status(),
              StatusIs(kInvalid, HasSubstr("it is of the unknown class 99")));
}

TEST_P(MatFileTest, PassesTextBy) {
  ASSERT_OK_AND_ASSIGN(const MatFile file, Open({Head(kText, {1, 2}, "t") + Element(4, "a\0b")}));
  EXPECT_THAT(file.Array("t").status(), StatusIs(kInvalid, HasSubstr("t is text")));
}

class MatFileOfLevel4 : public MatFileTest {};
INSTANTIATE_TEST_SUITE_P(Only, MatFileOfLevel4, ::testing::Values(false));

TEST_P(MatFileOfLevel4, IsReadUnlessSparse) {
  const std::string name("x\0", 2), numbers = BytesOf<double>({1, 2});
  ASSERT_OK_AND_ASSIGN(const MatFile file,
                       OpenBytes(BytesOf<uint32_t>({0, 2, 1, 0, 2}) + name + numbers));
  ASSERT_OK_AND_ASSIGN(ArraySource array, file.Array("x"));
  ASSERT_OK_AND_ASSIGN(const std::vector<double> values, array.ReadRest<double>(1000));
  EXPECT_THAT(values, ElementsAre(1, 2));
  EXPECT_THAT(
      OpenBytes(BytesOf<uint32_t>({2, 2, 1, 0, 2}) + name + numbers).status(),
      StatusIs(kInvalid, AllOf(HasSubstr("f.mat: the variable at byte 0 is a sparse matrix of "
                                         "level 4, which is not read"),
                               Not(HasSubstr("corrupt")))));
}

TEST_P(MatFileOfLevel4, IsNotWhatHasNeitherHeader) {
  EXPECT_THAT(OpenBytes("this is no file of MATLAB's").status(),
              StatusIs(kInvalid, HasSubstr("neither a header of level 4 nor one of level 5")));
}

class MatFileOfHdf5 : public MatFileOfLevel4 {
 protected:
  // Of version 7.3 with a struct `info` and the numbers 1 and 2, of this class, as `x`.
  std::string Written(const std::string& class_of_x) {
    const std::string path = folder_ / "written.mat";
    mat_t* const mat = Mat_CreateVer(path.c_str(), nullptr, MAT_FT_MAT73);
    size_t dims[] = {1, 1};
    const char* field = "y";
    double numbers[] = {1, 2};
    matvar_t* const info = Mat_VarCreateStruct("info", 2, dims, &field, 1);
    Mat_VarSetStructFieldByName(
        info, field, 0, Mat_VarCreate(nullptr, MAT_C_SINGLE, MAT_T_SINGLE, 2, dims, numbers, 0));
    dims[1] = 2;
    matvar_t* const x = Mat_VarCreate("x", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, numbers, 0);
    EXPECT_EQ(Mat_VarWrite(mat, info, MAT_COMPRESSION_NONE), 0);
    EXPECT_EQ(Mat_VarWrite(mat, x, MAT_COMPRESSION_NONE), 0);
    Mat_VarFree(info), Mat_VarFree(x);
    Mat_Close(mat);
    std::string bytes = *ReadFile(path);
    return bytes.replace(bytes.rfind("double"), class_of_x.size(), class_of_x);
  }
};
INSTANTIATE_TEST_SUITE_P(Only, MatFileOfHdf5, ::testing::Values(false));

TEST_P(MatFileOfHdf5, IsReadBesideAStruct) {
  ASSERT_OK_AND_ASSIGN(const MatFile file, OpenBytes(Written("double")));
  ASSERT_OK_AND_ASSIGN(ArraySource array, file.Array("x"));
  EXPECT_THAT(array.ReadRest<double>(1000), IsOkAndHolds(ElementsAre(1, 2)));
  EXPECT_THAT(file.Array("info").status(), StatusIs(kInvalid, HasSubstr("info is a struct")));
}

TEST_P(MatFileOfHdf5, LetsTheLibrarySayNothing) {
  std::string bytes = Written("double");
  bytes.replace(bytes.find("MATLAB_class"), 6, "matlab");
  ::testing::internal::CaptureStderr();
  const absl::Status opened = OpenBytes(bytes).status();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_OK(opened);
}

TEST_P(MatFileOfHdf5, NamesAClassThatIsNotKnown) {
  ASSERT_OK_AND_ASSIGN(const MatFile file, OpenBytes(Written("doublE")));
  EXPECT_THAT(file.Array("x").status(),
              StatusIs(kInvalid, HasSubstr("x is of a MATLAB_class that libmatio does not know")));
}

TEST_P(MatFileOfHdf5, NeedsTheHeaderOfMatlab) {
  EXPECT_THAT(OpenBytes("\x89HDF\r\n\x1a\n and so on").status(),
              StatusIs(kInvalid, HasSubstr("HDF5 without the header")));
}

}  // namespace
}  // namespace quadhop
