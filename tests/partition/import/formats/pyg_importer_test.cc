// The arrays of PyTorch Geometric's graphs, and of others, in an .npz.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "tests/partition/import/arrays/pickle_writers.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_fixture.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// Three nodes; arcs 0-1, 1-2 and 2-0, as they stand.
class Pyg : public ImportOf {
 protected:
  using Members = std::map<std::string, std::string>;

  void Write(const Members& arrays, const std::string& file = "g.npz") const {
    Members members;
    for (const auto& [name, npy] : arrays) members[name + ".npy"] = npy;
    WriteZip(input_ / file, members);
  }
  absl::StatusOr<ImportReport> ImportArrays(const Members& arrays) {
    Write(arrays);
    return ImportIt("g.npz");
  }
  const std::string arcs_ = NpyOf<int64_t>({2, 3}, {0, 1, 2, 1, 2, 0});
  const std::string features_ = NpyOf<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const std::string classes_ = NpyOf<int64_t>({3}, {0, 1, 0});
};

TEST_F(Pyg, IsReadUnderTheNamesOfOtherCode) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportArrays({{"edges", NpyOf<uint16_t>({3, 2}, {0, 1, 1, 2, 2, 0})},
                                     {"node_feat", features_},
                                     {"label", classes_},
                                     {"num_nodes", NpyOf<int64_t>({}, {3})}}));
  EXPECT_EQ(report.format, "pyg");
  EXPECT_EQ(report.features, 2);
  EXPECT_EQ(report.classes, 2);
  EXPECT_THAT(report.Describe(), Not(HasSubstr("not used")));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2), Pair(2, 0)));
}

TEST_F(Pyg, HasSourcesBeforeTargetsWhereArcsAreTwoByTwo) {
  ASSERT_OK(ImportArrays({{"edge_index", NpyOf<int32_t>({2, 2}, {0, 1, 2, 0})}, {"x", features_}}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0)));
}

TEST_F(Pyg, HasArcsInBothDirectionsUnlessAskedOtherwise) {
  Write({{"edge_index", arcs_}, {"x", features_}});
  ImportOptions options = OptionsFor("g.npz");
  options.directed = false;
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
  EXPECT_EQ(report.arcs, 6);
}

TEST_F(Pyg, MayHaveSeveralLabelsANode) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportArrays({{"edge_index", arcs_}, {"y", NpyOf<float>({3, 2}, {1, 1, 0, 1, 0, 0})}}));
  EXPECT_TRUE(report.multi_label);
  EXPECT_EQ(report.classes, 2);
}

TEST_F(Pyg, MayHaveMasksOfSeveralSplits) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportArrays({{"edge_index", arcs_},
                                     {"y", classes_},
                                     {"train_mask", NpyOf<uint8_t>({3, 2}, {1, 0, 0, 1, 0, 0})},
                                     {"val_mask", NpyOf<uint8_t>({3, 2}, {0, 1, 1, 0, 0, 0})},
                                     {"test_mask", NpyOf<uint8_t>({3, 2}, {0, 0, 0, 0, 1, 1})}}));
  EXPECT_THAT(report.splits, ElementsAre("split0", "split1"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  EXPECT_THAT(store->split("split0"), IsOkAndHolds(ElementsAre(1, 2, 3)));
  EXPECT_THAT(store->split("split1"), IsOkAndHolds(ElementsAre(2, 1, 3)));
}

// As WikiCS, whose test nodes are those of all its splits.
TEST_F(Pyg, MayHaveOneMaskForAllSplits) {
  const std::string test = NpyOf<uint8_t>({3}, {0, 0, 1});
  std::map<std::string, std::string> arrays = {
      {"edge_index", arcs_},
      {"y", classes_},
      {"train_mask", NpyOf<uint8_t>({3, 2}, {1, 0, 0, 1, 0, 0})},
      {"val_mask", NpyOf<uint8_t>({3, 2}, {0, 1, 1, 0, 0, 0})},
      {"test_mask", test}};
  ASSERT_OK(ImportArrays(arrays));
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
    EXPECT_THAT(store->split("split0"), IsOkAndHolds(ElementsAre(1, 2, 3)));
    EXPECT_THAT(store->split("split1"), IsOkAndHolds(ElementsAre(2, 1, 3)));
  }
  arrays["test_mask"] = NpyOf<uint8_t>({3, 3}, {0, 0, 0, 0, 0, 0, 1, 1, 1});
  EXPECT_THAT(ImportArrays(arrays),
              StatusIs(kInvalid, HasSubstr("train_mask is [3, 2]; another mask has 3 splits")));
  arrays["test_mask"] = NpyOf<uint8_t>({3}, {0, 1, 1});
  EXPECT_THAT(ImportArrays(arrays),
              StatusIs(kInvalid, HasSubstr("test_mask split 0 node 1 is also in valid")));
}

TEST_F(Pyg, MayBeAGraphAlone) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportArrays({{"edge_index", arcs_}, {"num_nodes", NpyOf<int64_t>({1}, {5})}}));
  EXPECT_EQ(report.nodes, 5);
  EXPECT_EQ(report.unlabelled, 5);
  EXPECT_THAT(report.Describe(),
              AllOf(HasSubstr("note: no x: positional encodings will stand in for features"),
                    HasSubstr("note: no y: the store has no labels and cannot be trained on"),
                    HasSubstr("splits: none")));
}

TEST_F(Pyg, TakesFromFlagsWhatItLacks) {
  Write({{"edge_index", arcs_}});
  input_.Write("x.npy", features_);
  input_.Write("y.npy", classes_);
  ImportOptions options = OptionsFor("g.npz");
  options.features = input_ / "x.npy";
  options.labels = input_ / "y.npy";
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
  EXPECT_EQ(report.nodes, 3);
  EXPECT_EQ(report.features, 2);
  EXPECT_EQ(report.classes, 2);
  Write({{"edge_index", arcs_}, {"node_features", features_}});
  EXPECT_THAT(Import(options, pool_),
              StatusIs(kInvalid, AllOf(HasSubstr("--features is for inputs without such an array"),
                                       HasSubstr("g.npz has its own, node_features"))));
  options.features.clear();
  ASSERT_OK_AND_ASSIGN(const ImportReport labelled, Import(options, pool_));
  EXPECT_EQ(labelled.features, 2);
  EXPECT_EQ(labelled.classes, 2);
}

TEST_F(Pyg, NamesWhatIsNotUsed) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportArrays({{"edge_index", arcs_},
                                     {"edge_attr", NpyOf<float>({3, 1}, {1, 1, 1})},
                                     {"x", features_},
                                     {"y", classes_},
                                     {"label", classes_}}));
  EXPECT_THAT(report.Describe(), HasSubstr("note: not used: edge_attr, label\n"));
}

TEST_F(Pyg, SaysWhatTellsHowManyNodesThereAreWhereAnIdIsNone) {
  const std::string arcs = NpyOf<int64_t>({2, 2}, {0, 1, 3, 2});
  EXPECT_THAT(ImportArrays({{"edge_index", arcs}, {"x", features_}}),
              StatusIs(kInvalid, AllOf(HasSubstr("g.npz: edge_index: target of arc 0 is node 3; "
                                                 "node ids are in [0, 3), since "),
                                       HasSubstr("g.npz: x is [3, 2]; are ids counted from 1?"))));
  EXPECT_THAT(ImportArrays({{"edge_index", arcs}, {"num_nodes", NpyOf<int64_t>({}, {2})}}),
              StatusIs(kInvalid, AllOf(HasSubstr("node ids are in [0, 2), as "),
                                       HasSubstr("g.npz: num_nodes says"))));
}

TEST_F(Pyg, NeedsToTellHowManyNodesThereAre) {
  EXPECT_THAT(ImportArrays({{"edge_index", arcs_}}),
              StatusIs(kInvalid, HasSubstr("g.npz is without x, y and num_nodes; one of them, "
                                           "--features or --labels must tell how many nodes")));
  EXPECT_THAT(ImportArrays({{"edge_index", arcs_}, {"y", NpyOf<int64_t>({}, {1})}}),
              StatusIs(kInvalid, HasSubstr("g.npz: y is []; a row for each node is needed")));
  EXPECT_THAT(ImportArrays({{"edge_index", arcs_}, {"num_nodes", NpyOf<int64_t>({2}, {3, 3})}}),
              StatusIs(kInvalid, HasSubstr("g.npz: num_nodes is [2]; one number is needed")));
}

TEST_F(Pyg, TellsHowLargeItIsBeforeItIsRead) {
  Write({{"edge_index", arcs_}, {"x", features_}});
  ImportOptions options = OptionsFor("g.npz");
  options.directed = false;
  ASSERT_OK_AND_ASSIGN(const absl::optional<PrepShape> shape, MeasureInput(options));
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->nodes, 3);
  EXPECT_EQ(shape->arcs, 6);
  EXPECT_EQ(shape->features, 2);
}

TEST_F(Pyg, IsSaidToBeDirectedWhereItsNameIs) {
  const Members arrays = {{"edges", arcs_}, {"node_features", features_}};
  for (const std::string name : {"squirrel_directed.npz", "undirected.npz"}) {
    Write(arrays, name);
    ImportOptions options = OptionsFor(name);
    options.directed = false;
    ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
    EXPECT_EQ(absl::StrContains(report.Describe(), "--directed keeps it so"),
              name != "undirected.npz");
  }
}

// torch.save((data, slices), "data.pt")
class PygTorch : public ImportOf {
 protected:
  // A value's pickle: one of a few bytes, `bytes` of them as int64_t.
  void Write(const std::string& pickle, const std::vector<int64_t>& numbers) const {
    WriteZip(input_ / "data.pt",
             {{"data/data.pkl", Pickled(pickle)}, {"data/data/0", BytesOf(numbers)}},
             /*deflate=*/false);
  }
  static std::string Entry(const std::string& name, const std::string& value) {
    return PickledText(name) + value;
  }
  static std::string Tensor(const std::vector<int64_t>& dims, const std::vector<int64_t>& strides) {
    return PickledTensor("LongStorage", "0", 6, 0, dims, strides);
  }
};

TEST_F(PygTorch, MayBeADictOfTensorsAndNumbersAndNothing) {
  Write(absl::StrCat("}(", Entry("edge_index", Tensor({2, 3}, {3, 1})), Entry("num_nodes", "K\x04"),
                     Entry("pos", "N"), Entry("name", PickledText("tiny")), "u"),
        {0, 1, 2, 1, 2, 0});
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("data.pt"));
  EXPECT_EQ(report.format, "pyg");
  EXPECT_EQ(report.nodes, 4);
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2), Pair(2, 0)));
  EXPECT_THAT(report.Describe(), HasSubstr("note: not used: name\n"));
}

TEST_F(PygTorch, IsOneGraph) {
  const std::string data = absl::StrCat("}(", Entry("edge_index", Tensor({2, 3}, {3, 1})),
                                        Entry("num_nodes", "K\x03"), "u");
  const auto with_slices = [&](int64_t ends) {
    return absl::StrCat(data, "}(", Entry("edge_index", Tensor({ends}, {1})), "u\x86");
  };
  Write(with_slices(2), {0, 1, 2, 1, 2, 0});
  EXPECT_OK(ImportIt("data.pt"));
  Write(with_slices(3), {0, 1, 2, 1, 2, 0});
  EXPECT_THAT(ImportIt("data.pt"),
              StatusIs(kInvalid, HasSubstr("data.pt is a dataset of 2 graphs; a store holds a "
                                           "single one: torch.save(dataset[0], \"graph.pt\")")));
}

// A Data, of which torch.save keeps the attributes.
std::string PickledData(const std::string& attributes) {
  return absl::StrCat(PickledGlobal("torch_geometric.data.data", "Data"), ")\x81}(", attributes,
                      "ub");
}

TEST_F(PygTorch, IsNotAListOfGraphs) {
  const std::string data = PickledData(
      absl::StrCat(Entry("edge_index", Tensor({2, 3}, {3, 1})), Entry("num_nodes", "K\x03")));
  Write(data, {0, 1, 2, 1, 2, 0});
  EXPECT_OK(ImportIt("data.pt"));
  Write(absl::StrCat("](", data, data, "e"), {0, 1, 2, 1, 2, 0});
  EXPECT_THAT(ImportIt("data.pt"),
              StatusIs(kInvalid, HasSubstr("data.pt is a list of 2 graphs; a store holds a single "
                                           "one: torch.save(graphs[0], \"graph.pt\")")));
}

TEST_F(PygTorch, IsNotAListOfDictsOfGraphs) {
  const std::string graph = absl::StrCat("}(", Entry("edge_index", Tensor({2, 3}, {3, 1})),
                                         Entry("num_nodes", "K\x03"), "u");
  Write(absl::StrCat("](", graph, graph, "e"), {0, 1, 2, 1, 2, 0});
  EXPECT_THAT(ImportIt("data.pt"), StatusIs(kInvalid, HasSubstr("data.pt is a list of 2 graphs")));
}

TEST_F(PygTorch, IsNotHeterogeneous) {
  Write(PickledData(Entry("_node_store_dict", "}")), {});
  EXPECT_THAT(ImportIt("data.pt"), StatusIs(kInvalid, HasSubstr("data.to_homogeneous()")));
}

// As OGB's get_idx_split() gives it.
TEST_F(PygTorch, MayHaveADictOfTheIdsOfASplit) {
  const auto ids = [](int64_t offset, int64_t count) {
    return PickledTensor("LongStorage", "0", 9, offset, {count}, {1});
  };
  const std::string split = absl::StrCat("}(", Entry("train", ids(6, 1)), Entry("valid", ids(7, 1)),
                                         Entry("test", ids(8, 1)), "u");
  const std::string graph =
      absl::StrCat(Entry("edge_index", PickledTensor("LongStorage", "0", 9, 0, {2, 3}, {3, 1})),
                   Entry("y", PickledTensor("LongStorage", "0", 9, 0, {3}, {1})));
  for (const std::string& pickle :
       {absl::StrCat("}(", graph, Entry("split_idx", split), "u"),  // in the graph's dict
        absl::StrCat("](", PickledData(graph), split, "e")}) {      // [data, split]
    Write(pickle, {0, 1, 2, 1, 2, 0, /*train*/ 2, /*valid*/ 0, /*test*/ 1});
    ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("data.pt"));
    EXPECT_THAT(report.Describe(), Not(HasSubstr("not used")));
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(output_ / "s.qh"));
    EXPECT_THAT(store->split("").value(), ElementsAre(2, 3, 1));
  }
  // Numbers of nodes are no split.
  const std::string counts = absl::StrCat("}(", Entry("train", "K\x01"), Entry("valid", "K\x01"),
                                          Entry("test", "K\x01"), "u");
  Write(absl::StrCat("](", PickledData(graph), counts, "e"), {0, 1, 2, 1, 2, 0, 2, 0, 1});
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("data.pt"));
  EXPECT_THAT(report.Describe(), HasSubstr("not used: item 2 of the list"));
}

// OGB's dataset[0].
TEST_F(PygTorch, MayBeATupleOfAGraphAndItsLabels) {
  const std::string arcs = PickledArray("<i8", {2, 3}, BytesOf<int64_t>({0, 1, 2, 1, 2, 0}));
  const std::string labels = PickledArray("<i8", {3, 1}, BytesOf<int64_t>({0, 1, 0}));
  const std::string features = PickledArray("<f4", {3, 2}, BytesOf<float>({1, 2, 3, 4, 5, 6}));
  const std::string graph = absl::StrCat(Entry("edge_index", arcs), Entry("edge_feat", "N"),
                                         Entry("node_feat", features), Entry("num_nodes", "K\x03"));
  Write(absl::StrCat("}(", graph, "u", labels, "\x86"), {});
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("data.pt"));
  EXPECT_EQ(report.features, 2);
  EXPECT_EQ(report.classes, 2);
  EXPECT_EQ(report.unlabelled, 0);
  EXPECT_THAT(report.Describe(), Not(HasSubstr("not used")));
  const std::string wrong = PickledArray("<i8", {2}, BytesOf<int64_t>({0, 1}));
  Write(absl::StrCat("}(", graph, "u", wrong, "\x86"), {});
  EXPECT_THAT(ImportIt("data.pt"),
              StatusIs(kInvalid, HasSubstr("data.pt: item 2 of the list is [2]; one row for")));
  // What is not used is named: labels beside those of the graph, a text.
  Write(absl::StrCat("(}(", graph, Entry("y", labels), "u", labels, PickledText("made by me"), "N",
                     PickledGlobal("torch_geometric.data.data", "Data"), "t"),
        {});
  ASSERT_OK_AND_ASSIGN(const ImportReport other, ImportIt("data.pt"));
  EXPECT_THAT(other.Describe(),
              HasSubstr("note: not used: item 2 of the list, item 3 of the list\n"));
}

TEST_F(PygTorch, MayHaveAListOfTheIdsOfASplit) {
  const auto ids = [](int64_t offset) {
    return PickledTensor("LongStorage", "0", 9, offset, {1}, {1});
  };
  const std::string split = absl::StrCat(ids(6), ids(7), ids(8), "\x87");
  const std::string graph =
      absl::StrCat(Entry("edge_index", PickledTensor("LongStorage", "0", 9, 0, {2, 3}, {3, 1})),
                   Entry("y", PickledTensor("LongStorage", "0", 9, 0, {3}, {1})));
  const std::vector<int64_t> numbers = {0, 1, 2, 1, 2, 0, /*train*/ 2, /*valid*/ 0, /*test*/ 1};
  for (const std::string& pickle :
       {absl::StrCat("}(", graph, Entry("split_idx", split), "u"),
        absl::StrCat("}(", graph, "u", split, "\x86")}) {  // (graph, (train, valid, test))
    Write(pickle, numbers);
    ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("data.pt"));
    EXPECT_THAT(report.Describe(), Not(HasSubstr("not used")));
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(output_ / "s.qh"));
    EXPECT_THAT(store->split("").value(), ElementsAre(2, 3, 1));
  }
  Write(absl::StrCat("}(", graph, Entry("split_idx", absl::StrCat(ids(6), ids(7), "\x86")), "u"),
        numbers);
  ImportOptions options = OptionsFor("data.pt");
  options.format = "pyg";
  EXPECT_THAT(
      Import(options, pool_),
      StatusIs(kInvalid, HasSubstr("data.pt: split_idx is neither a dict of train, valid "
                                   "and test nor a list of these three; each is an array")));
}

TEST_F(PygTorch, SaysWhatItHoldsInPlaceOfAGraph) {
  Write(absl::StrCat("}(", Entry("adj_t", Tensor({6}, {1})), Entry("x", Tensor({6}, {1})), "u"),
        {0, 1, 2, 3, 4, 5});
  EXPECT_THAT(
      ImportIt("data.pt"),
      StatusIs(kInvalid, AllOf(HasSubstr("data.pt holds adj_t, x, which is no known form of "
                                         "graph; needed: edge_index"))));
  ImportOptions options = OptionsFor("data.pt");
  options.format = "pyg";
  EXPECT_THAT(Import(options, pool_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("data.pt has no edge_index; it has: "
                                                              "adj_t, x")));
  Write(absl::StrCat("}(", Entry("edge_index", "ctorch_sparse.tensor\nSparseTensor\n)\x81"),
                     Entry("x", Tensor({6}, {1})), "u"),
        {0, 1, 2, 3, 4, 5});
  EXPECT_THAT(
      ImportIt("data.pt"),
      StatusIs(kInvalid, HasSubstr("data.pt: edge_index is torch_sparse.tensor.SparseTensor; "
                                   "a dense tensor or a numpy array is needed")));
}

}  // namespace
}  // namespace quadhop
