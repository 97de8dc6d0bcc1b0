#include "partition/import/arrays/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/partition/import/arrays/pickle_writers.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// The pickles of two files of PyTorch 1.13. torch.save({"train": torch.tensor([0, 2, 4]),
// "valid": numpy.array([1]), "test": torch.tensor([3], dtype=torch.int32)}, "split_dict.pt")
constexpr char kDict[] =
    "\x80\x02\x7d\x71\x00\x28\x58\x05\x00\x00\x00\x74\x72\x61\x69\x6e\x71\x01\x63\x74\x6f\x72"
    "\x63\x68\x2e\x5f\x75\x74\x69\x6c\x73\x0a\x5f\x72\x65\x62\x75\x69\x6c\x64\x5f\x74\x65\x6e"
    "\x73\x6f\x72\x5f\x76\x32\x0a\x71\x02\x28\x28\x58\x07\x00\x00\x00\x73\x74\x6f\x72\x61\x67"
    "\x65\x71\x03\x63\x74\x6f\x72\x63\x68\x0a\x4c\x6f\x6e\x67\x53\x74\x6f\x72\x61\x67\x65\x0a"
    "\x71\x04\x58\x01\x00\x00\x00\x30\x71\x05\x58\x03\x00\x00\x00\x63\x70\x75\x71\x06\x4b\x03"
    "\x74\x71\x07\x51\x4b\x00\x4b\x03\x85\x71\x08\x4b\x01\x85\x71\x09\x89\x63\x63\x6f\x6c\x6c"
    "\x65\x63\x74\x69\x6f\x6e\x73\x0a\x4f\x72\x64\x65\x72\x65\x64\x44\x69\x63\x74\x0a\x71\x0a"
    "\x29\x52\x71\x0b\x74\x71\x0c\x52\x71\x0d\x58\x05\x00\x00\x00\x76\x61\x6c\x69\x64\x71\x0e"
    "\x63\x6e\x75\x6d\x70\x79\x2e\x63\x6f\x72\x65\x2e\x6d\x75\x6c\x74\x69\x61\x72\x72\x61\x79"
    "\x0a\x5f\x72\x65\x63\x6f\x6e\x73\x74\x72\x75\x63\x74\x0a\x71\x0f\x63\x6e\x75\x6d\x70\x79"
    "\x0a\x6e\x64\x61\x72\x72\x61\x79\x0a\x71\x10\x4b\x00\x85\x71\x11\x63\x5f\x63\x6f\x64\x65"
    "\x63\x73\x0a\x65\x6e\x63\x6f\x64\x65\x0a\x71\x12\x58\x01\x00\x00\x00\x62\x71\x13\x58\x06"
    "\x00\x00\x00\x6c\x61\x74\x69\x6e\x31\x71\x14\x86\x71\x15\x52\x71\x16\x87\x71\x17\x52\x71"
    "\x18\x28\x4b\x01\x4b\x01\x85\x71\x19\x63\x6e\x75\x6d\x70\x79\x0a\x64\x74\x79\x70\x65\x0a"
    "\x71\x1a\x58\x02\x00\x00\x00\x69\x38\x71\x1b\x89\x88\x87\x71\x1c\x52\x71\x1d\x28\x4b\x03"
    "\x58\x01\x00\x00\x00\x3c\x71\x1e\x4e\x4e\x4e\x4a\xff\xff\xff\xff\x4a\xff\xff\xff\xff\x4b"
    "\x00\x74\x71\x1f\x62\x89\x68\x12\x58\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x71"
    "\x20\x68\x14\x86\x71\x21\x52\x71\x22\x74\x71\x23\x62\x58\x04\x00\x00\x00\x74\x65\x73\x74"
    "\x71\x24\x68\x02\x28\x28\x68\x03\x63\x74\x6f\x72\x63\x68\x0a\x49\x6e\x74\x53\x74\x6f\x72"
    "\x61\x67\x65\x0a\x71\x25\x58\x01\x00\x00\x00\x31\x71\x26\x68\x06\x4b\x01\x74\x71\x27\x51"
    "\x4b\x00\x4b\x01\x85\x71\x28\x4b\x01\x85\x71\x29\x89\x68\x0a\x29\x52\x71\x2a\x74\x71\x2b"
    "\x52\x71\x2c\x75\x2e";

// torch.save((data, None), "data.pt") of a torch_geometric.data.Data of x = arange(12.0) as [4, 3],
// edge_index = tensor([[0, 1], [1, 2], [2, 3]]).t(), y, train_mask, num_nodes = 4, name.
constexpr char kData[] =
    "\x80\x02\x63\x74\x6f\x72\x63\x68\x5f\x67\x65\x6f\x6d\x65\x74\x72\x69\x63\x2e\x64\x61\x74"
    "\x61\x2e\x64\x61\x74\x61\x0a\x44\x61\x74\x61\x0a\x71\x00\x29\x81\x71\x01\x7d\x71\x02\x58"
    "\x06\x00\x00\x00\x5f\x73\x74\x6f\x72\x65\x71\x03\x63\x74\x6f\x72\x63\x68\x5f\x67\x65\x6f"
    "\x6d\x65\x74\x72\x69\x63\x2e\x64\x61\x74\x61\x2e\x73\x74\x6f\x72\x61\x67\x65\x0a\x47\x6c"
    "\x6f\x62\x61\x6c\x53\x74\x6f\x72\x61\x67\x65\x0a\x71\x04\x29\x81\x71\x05\x7d\x71\x06\x28"
    "\x58\x08\x00\x00\x00\x5f\x6d\x61\x70\x70\x69\x6e\x67\x71\x07\x7d\x71\x08\x28\x58\x01\x00"
    "\x00\x00\x78\x71\x09\x63\x74\x6f\x72\x63\x68\x2e\x5f\x75\x74\x69\x6c\x73\x0a\x5f\x72\x65"
    "\x62\x75\x69\x6c\x64\x5f\x74\x65\x6e\x73\x6f\x72\x5f\x76\x32\x0a\x71\x0a\x28\x28\x58\x07"
    "\x00\x00\x00\x73\x74\x6f\x72\x61\x67\x65\x71\x0b\x63\x74\x6f\x72\x63\x68\x0a\x46\x6c\x6f"
    "\x61\x74\x53\x74\x6f\x72\x61\x67\x65\x0a\x71\x0c\x58\x01\x00\x00\x00\x30\x71\x0d\x58\x03"
    "\x00\x00\x00\x63\x70\x75\x71\x0e\x4b\x0c\x74\x71\x0f\x51\x4b\x00\x4b\x04\x4b\x03\x86\x71"
    "\x10\x4b\x03\x4b\x01\x86\x71\x11\x89\x63\x63\x6f\x6c\x6c\x65\x63\x74\x69\x6f\x6e\x73\x0a"
    "\x4f\x72\x64\x65\x72\x65\x64\x44\x69\x63\x74\x0a\x71\x12\x29\x52\x71\x13\x74\x71\x14\x52"
    "\x71\x15\x58\x0a\x00\x00\x00\x65\x64\x67\x65\x5f\x69\x6e\x64\x65\x78\x71\x16\x68\x0a\x28"
    "\x28\x68\x0b\x63\x74\x6f\x72\x63\x68\x0a\x4c\x6f\x6e\x67\x53\x74\x6f\x72\x61\x67\x65\x0a"
    "\x71\x17\x58\x01\x00\x00\x00\x31\x71\x18\x68\x0e\x4b\x06\x74\x71\x19\x51\x4b\x00\x4b\x02"
    "\x4b\x03\x86\x71\x1a\x4b\x01\x4b\x02\x86\x71\x1b\x89\x68\x12\x29\x52\x71\x1c\x74\x71\x1d"
    "\x52\x71\x1e\x58\x01\x00\x00\x00\x79\x71\x1f\x68\x0a\x28\x28\x68\x0b\x68\x17\x58\x01\x00"
    "\x00\x00\x32\x71\x20\x68\x0e\x4b\x04\x74\x71\x21\x51\x4b\x00\x4b\x04\x85\x71\x22\x4b\x01"
    "\x85\x71\x23\x89\x68\x12\x29\x52\x71\x24\x74\x71\x25\x52\x71\x26\x58\x0a\x00\x00\x00\x74"
    "\x72\x61\x69\x6e\x5f\x6d\x61\x73\x6b\x71\x27\x68\x0a\x28\x28\x68\x0b\x63\x74\x6f\x72\x63"
    "\x68\x0a\x42\x6f\x6f\x6c\x53\x74\x6f\x72\x61\x67\x65\x0a\x71\x28\x58\x01\x00\x00\x00\x33"
    "\x71\x29\x68\x0e\x4b\x04\x74\x71\x2a\x51\x4b\x00\x4b\x04\x85\x71\x2b\x4b\x01\x85\x71\x2c"
    "\x89\x68\x12\x29\x52\x71\x2d\x74\x71\x2e\x52\x71\x2f\x58\x09\x00\x00\x00\x6e\x75\x6d\x5f"
    "\x6e\x6f\x64\x65\x73\x71\x30\x4b\x04\x58\x04\x00\x00\x00\x6e\x61\x6d\x65\x71\x31\x58\x04"
    "\x00\x00\x00\x74\x69\x6e\x79\x71\x32\x75\x58\x07\x00\x00\x00\x5f\x70\x61\x72\x65\x6e\x74"
    "\x71\x33\x68\x01\x75\x62\x73\x62\x4e\x86\x71\x34\x2e";

template <size_t kSize>
std::string BytesOfLiteral(const char (&literal)[kSize]) {
  return std::string(literal, kSize - 1);
}

class TorchFileTest : public ::testing::Test {
 protected:
  // A file with these members, in the folder of the archive.
  absl::StatusOr<TorchFile> Open(const std::map<std::string, std::string>& members) {
    std::map<std::string, std::string> all;
    for (const auto& [name, bytes] : members) all["archive/" + name] = bytes;
    WriteZip(folder_ / "a.pt", all, /*deflate=*/false);
    return TorchFile::Open(folder_ / "a.pt", 1 << 20);
  }
  // What becomes of one tensor of six numbers.
  absl::StatusOr<ArraySource> TensorOf(const std::string& storage, int64_t offset,
                                       const std::vector<int64_t>& dims,
                                       const std::vector<int64_t>& strides) {
    QH_ASSIGN_OR_RETURN(
        const TorchFile file,
        Open({{"data.pkl", Pickled(PickledTensor(storage, "0", 6, offset, dims, strides))},
              {"data/0", BytesOf<int32_t>({0, 1, 2, 3, 4, 5})}}));
    return file.Array(file.root(), "x");
  }

  TempDir folder_;
};

TEST_F(TorchFileTest, HasTheTensorsAndArraysOfADict) {
  ASSERT_OK_AND_ASSIGN(const TorchFile file, Open({{"data.pkl", BytesOfLiteral(kDict)},
                                                   {"data/0", BytesOf<int64_t>({0, 2, 4})},
                                                   {"data/1", BytesOf<int32_t>({3})}}));
  const std::map<std::string, std::vector<int64_t>> expected = {
      {"train", {0, 2, 4}}, {"valid", {1}}, {"test", {3}}};
  for (const auto& [name, values] : expected) {
    ASSERT_NE(file.root().Find(name), nullptr) << name;
    ASSERT_OK_AND_ASSIGN(ArraySource array, file.Array(*file.root().Find(name), name));
    EXPECT_THAT(array.ReadRest<int64_t>(1 << 20), IsOkAndHolds(values)) << name;
  }
}

TEST_F(TorchFileTest, HasTheAttributesOfObjectsWhoseClassesItDoesNotKnow) {
  ASSERT_OK_AND_ASSIGN(const TorchFile file,
                       Open({{"data.pkl", BytesOfLiteral(kData)},
                             {"data/0", BytesOf<float>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})},
                             {"data/1", BytesOf<int64_t>({0, 1, 1, 2, 2, 3})},
                             {"data/2", BytesOf<int64_t>({0, 1, 0, 1})},
                             {"data/3", BytesOf<uint8_t>({1, 0, 1, 0})}}));
  ASSERT_EQ(file.root().items.size(), 2u);
  const PickleValue* const store = file.root().items[0]->Find("_store");
  ASSERT_NE(store, nullptr);
  const PickleValue* const graph = store->Find("_mapping");
  ASSERT_NE(graph, nullptr);
  ASSERT_OK_AND_ASSIGN(ArraySource x, file.Array(*graph->Find("x"), "x"));
  EXPECT_THAT(x.dims(), ElementsAre(4, 3));
  EXPECT_FALSE(x.fortran_order());
  ASSERT_OK_AND_ASSIGN(const std::vector<float> values, x.ReadRest<float>(1 << 20));
  EXPECT_EQ(values[7], 7);
  ASSERT_OK_AND_ASSIGN(const ArraySource arcs, file.Array(*graph->Find("edge_index"), "arcs"));
  EXPECT_THAT(arcs.dims(), ElementsAre(2, 3));
  EXPECT_TRUE(arcs.fortran_order());
  ASSERT_OK_AND_ASSIGN(ArraySource mask, file.Array(*graph->Find("train_mask"), "mask"));
  EXPECT_THAT(mask.ReadRest<int64_t>(1 << 20), IsOkAndHolds(ElementsAre(1, 0, 1, 0)));
  ASSERT_OK_AND_ASSIGN(ArraySource nodes, file.Array(*graph->Find("num_nodes"), "num_nodes"));
  EXPECT_THAT(nodes.ReadRest<int64_t>(1 << 20), IsOkAndHolds(ElementsAre(4)));
  EXPECT_THAT(file.Array(*graph->Find("name"), "name").status(),
              StatusIs(kInvalid, HasSubstr("a.pt: name is a text; a dense tensor")));
}

TEST_F(TorchFileTest, TakesTensorsThatArePartsOfOthersIfTheyHaveNoGaps) {
  ASSERT_OK_AND_ASSIGN(ArraySource part, TensorOf("IntStorage", 2, {2, 2}, {2, 1}));
  EXPECT_THAT(part.ReadRest<int64_t>(1 << 20), IsOkAndHolds(ElementsAre(2, 3, 4, 5)));
  ASSERT_OK_AND_ASSIGN(ArraySource column, TensorOf("IntStorage", 1, {1, 3}, {6, 1}));
  EXPECT_THAT(column.ReadRest<int64_t>(1 << 20), IsOkAndHolds(ElementsAre(1, 2, 3)));
  ASSERT_OK_AND_ASSIGN(ArraySource none, TensorOf("IntStorage", 0, {0, 7}, {1, 1}));
  EXPECT_THAT(none.ReadRest<int64_t>(1 << 20), IsOkAndHolds(ElementsAre()));
  EXPECT_THAT(TensorOf("IntStorage", 0, {3}, {2}).status(),
              StatusIs(kInvalid, HasSubstr("a.pt: x is a view of a part of a tensor, with gaps; "
                                           "save TENSOR.contiguous()")));
}

TEST_F(TorchFileTest, RefusesTensorsWhoseNumbersItDoesNotHave) {
  EXPECT_THAT(TensorOf("BFloat16Storage", 0, {6}, {1}).status(),
              StatusIs(kInvalid, HasSubstr("a tensor of torch.BFloat16Storage")));
  EXPECT_THAT(
      TensorOf("IntStorage", 0, {int64_t{1} << 20, int64_t{1} << 25, 1 << 20}, {1, 1, 1}).status(),
      StatusIs(kInvalid, HasSubstr("sizes do not fit")));
  EXPECT_THAT(TensorOf("IntStorage", 0, {-1}, {1}).status(),
              StatusIs(kInvalid, HasSubstr("no whole numbers")));
  ASSERT_OK_AND_ASSIGN(ArraySource beyond, TensorOf("IntStorage", 4, {3}, {1}));
  EXPECT_THAT(beyond.ReadRest<int64_t>(1 << 20).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("x ends in element 2 of the 3")));
  ASSERT_OK_AND_ASSIGN(
      const TorchFile file,
      Open({{"data.pkl", Pickled(PickledTensor("IntStorage", "7", 6, 0, {6}, {1}))}}));
  EXPECT_THAT(file.Array(file.root(), "x").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("has no member archive/data/7")));
}

TEST_F(TorchFileTest, SaysWhatElseAFileIs) {
  EXPECT_THAT(Open({{"x.npy", ""}}).status(),
              StatusIs(kInvalid, HasSubstr("a.pt has no member data.pkl")));
  EXPECT_THAT(Open({{"data.pkl", Pickled("}")}, {"byteorder", "big"}}).status(),
              StatusIs(kInvalid, HasSubstr("a.pt has big-endian numbers")));
  EXPECT_OK(Open({{"data.pkl", Pickled("}")}, {"byteorder", "little"}}));
  // torch.save(x, "old.pt", _use_new_zipfile_serialization=False)
  InputFolder input;
  input.Write("old.pt", std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50", 13));
  EXPECT_THAT(TorchFile::Open(input / "old.pt", 1 << 20).status(),
              StatusIs(kInvalid, HasSubstr("old.pt was written by PyTorch before 1.6")));
}

}  // namespace
}  // namespace quadhop
