// Pickles, and every array and matrix in them.
#include <absl/container/flat_hash_set.h>

#include "core/base/status.h"
#include "partition/import/arrays/pickle.h"
#include "tests/fuzz/reader.h"
#include "tests/partition/import/arrays/pickle_writers.h"
#include "tests/partition/import/formats/format_writers.h"

namespace quadhop {
namespace {

using Kind = PickleValue::Kind;

class PickleReader : public Reader {
 public:
  explicit PickleReader(Pickle::Unknown unknown) : unknown_(unknown) {}
  Notices notices() const override { return Notices::kMissingEnds; }

  std::vector<std::string> Seeds() const override {
    const LittleGraph graph;
    const std::string csr = PickledCsr(graph.kNodes, graph.kFeatures, graph.FeatureIndptr(),
                                       graph.FeatureIndices(), graph.FeatureValues());
    std::vector<std::string> seeds = {
        Pickled(csr), NpyOfObject(csr), Pickled(PickledLists(graph.Neighbors())),
        Pickled(PickledArray("i4", {2, 2}, BytesOf<int32_t>({1, 2, 3, 4})))};
    if (unknown_ == Pickle::Unknown::kKept)
      seeds.push_back(Pickled(PickledTensor("LongStorage", "0", 4, 0, {2, 2}, {2, 1})));
    return seeds;
  }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    QH_ASSIGN_OR_RETURN(const Pickle pickle, HoldsObjects(bytes)
                                                 ? Pickle::ReadNpy(bytes, "a.pickle")
                                                 : Pickle::Read(bytes, "a.pickle", unknown_));
    std::string text;
    std::vector<const PickleValue*> next = {&Unwrapped(pickle.root())};
    absl::flat_hash_set<const PickleValue*> seen(next.begin(), next.end());
    const auto follow = [&](const PickleValue* value) {
      if (value != nullptr && seen.insert(value).second) next.push_back(value);
    };
    while (!next.empty()) {
      const PickleValue& value = *next.back();
      next.pop_back();
      QH_RETURN_IF_ERROR(Describe(value, &text));
      for (const PickleValue* item : value.items) follow(item);
      for (const auto& [key, entry] : value.entries) {
        follow(key);
        follow(entry);
      }
      follow(value.content);
    }
    return text;
  }

 private:
  static constexpr int64_t kMaxBytes = int64_t{64} << 20;

  static absl::Status Describe(const PickleValue& value, std::string* text) {
    absl::StrAppend(text, static_cast<int>(value.kind), " ", value.integer, " ", value.number, " ",
                    value.text, "\n");
    if (value.kind == Kind::kArray && value.content != nullptr && value.content->items.empty()) {
      QH_ASSIGN_OR_RETURN(ArraySource array, ArrayOf(value, "a.pickle"));
      QH_ASSIGN_OR_RETURN(const std::vector<double> numbers, array.ReadRest<double>(kMaxBytes));
      *text += BytesOf(numbers);
    } else if (value.kind == Kind::kObject && value.Find("_shape") != nullptr) {
      QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix matrix, SparseMatrixOf(value, "a.pickle"));
      const SparseMatrix rows = matrix.view();
      absl::StrAppend(text, rows.num_rows, " x ", rows.num_cols);
    }
    return absl::OkStatus();
  }

  const Pickle::Unknown unknown_;
};

}  // namespace

std::unique_ptr<Reader> MakePickleReader() {
  return std::make_unique<PickleReader>(Pickle::Unknown::kRefused);
}
std::unique_ptr<Reader> MakeTorchPickleReader() {
  return std::make_unique<PickleReader>(Pickle::Unknown::kKept);
}

}  // namespace quadhop
