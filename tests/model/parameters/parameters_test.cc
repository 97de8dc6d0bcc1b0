#include "model/parameters/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/checkpoint/safetensors.h"
#include "tests/model/toy_job.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

LargeGTOptions Options(Conv conv = Conv::kFull, NormKind norm = NormKind::kBatch) {
  LargeGTOptions options;
  options.dims = {.features = 20,
                  .sampled = 3,
                  .pos_enc = 6,
                  .width = 24,
                  .heads = 2,
                  .centroids = 5,
                  .classes = 4};
  options.conv = conv;
  options.norm = norm;
  options.seed = 9;
  return options;
}

struct Values {
  std::vector<int64_t> dims;
  int64_t inputs;  // which set the bound of what is uniform
  std::vector<float> values;
};
std::map<std::string, Values> ValuesOf(ParameterSet& parameters) {
  std::map<std::string, Values> all;
  for (const Parameter& p : parameters.parameters()) {
    all[p.name] = {p.dims, p.inputs, ToHost(parameters.memory(), parameters.value(p))};
  }
  return all;
}

TEST(Parameters, InitialValuesAreAFunctionOfSeedAndNameAlone) {
  HostMemory memory;
  ParameterSet base(Options(), memory);
  const std::map<std::string, Values> expected = ValuesOf(base);
  LargeGTOptions other_sizes = Options();
  other_sizes.dims.classes = 9;
  other_sizes.dims.features = 31;
  for (const LargeGTOptions& options :
       {Options(Conv::kLocal), Options(Conv::kGlobal, NormKind::kLayer), Options(Conv::kNone),
        Options(Conv::kFull, NormKind::kNone), other_sizes}) {
    ParameterSet parameters(options, memory);
    int num_compared = 0;
    for (const auto& [name, array] : ValuesOf(parameters)) {
      const auto found = expected.find(name);
      if (found == expected.end() || found->second.dims != array.dims ||
          found->second.inputs != array.inputs)
        continue;
      EXPECT_EQ(array.values, found->second.values) << name;
      ++num_compared;
    }
    EXPECT_GE(num_compared, 5);
  }
}

TEST(Parameters, AnotherSeedOrNameGivesOtherValues) {
  LargeGTOptions other = Options();
  other.seed = 10;
  HostMemory memory;
  ParameterSet a(Options(), memory), b(other, memory);
  std::set<std::vector<float>> seen;
  int num_random = 0;
  for (const Parameter& p : a.parameters()) {
    if (p.initial == Initial::kOne || p.initial == Initial::kZero) continue;
    for (ParameterSet* set : {&a, &b}) {
      const TensorView<float> value = set->value(p);
      seen.insert({value.data(), value.data() + std::min<int64_t>(value.size(), 4)});
      ++num_random;
    }
  }
  EXPECT_EQ(static_cast<int>(seen.size()), num_random);
}

TEST(Parameters, InitialValuesHaveTheDistributionsOfThePapersCode) {
  HostMemory memory;
  ParameterSet parameters(Options(), memory);
  for (const Parameter& p : parameters.parameters()) {
    const TensorView<float> value = parameters.value(p);
    double mean = 0, squares = 0, largest = 0;
    for (int64_t i = 0; i < value.size(); ++i) {
      const double v = double{value[i]};
      mean += v / static_cast<double>(value.size());
      squares += v * v / static_cast<double>(value.size());
      largest = std::max(largest, std::abs(v));
    }
    // Five standard deviations of a mean of n values, and of a mean of n squares.
    const double slack = 5 / std::sqrt(static_cast<double>(value.size()));
    const double bound = 1 / std::sqrt(static_cast<double>(p.inputs));
    switch (p.initial) {
      case Initial::kUniformByInputs:
        EXPECT_LE(largest, bound) << p.name;
        if (value.size() > 100) {
          EXPECT_GT(largest, 0.9 * bound) << p.name;
        }
        EXPECT_NEAR(mean, 0, slack * bound / std::sqrt(3)) << p.name;
        EXPECT_NEAR(squares, bound * bound / 3, slack * 0.3 * bound * bound) << p.name;
        break;
      case Initial::kNormal:
        EXPECT_NEAR(mean, 0, slack * 0.02) << p.name;
        EXPECT_NEAR(squares, 0.02 * 0.02, slack * std::sqrt(2) * 0.02 * 0.02) << p.name;
        break;
      case Initial::kZero:
        EXPECT_EQ(largest, 0) << p.name;
        break;
      case Initial::kOne:
        EXPECT_NEAR(mean, 1, 1e-12) << p.name;
        EXPECT_NEAR(squares, 1, 1e-12) << p.name;
        break;
    }
    // A linear map of `inputs` inputs.
    if (p.dims.size() == 2) {
      EXPECT_EQ(p.inputs, p.dims[1]) << p.name;
    }
  }
}

// By where they stand.
std::map<int64_t, const Parameter*> ByOffset(const ParameterSet& parameters) {
  std::map<int64_t, const Parameter*> by_offset;
  for (const Parameter& p : parameters.parameters()) by_offset[p.offset] = &p;
  return by_offset;
}

TEST(Parameters, GroupsArePiecesOfOneArrayInLinesOf64BytesAndTheUnusedComeLast) {
  for (const Conv conv : {Conv::kFull, Conv::kLocal, Conv::kGlobal, Conv::kNone}) {
    HostMemory memory;
    ParameterSet parameters(Options(conv), memory);
    const std::map<int64_t, const Parameter*> by_offset = ByOffset(parameters);
    EXPECT_EQ(by_offset.size(), parameters.parameters().size());
    int64_t end = 0, num_trained = 0;
    GradientGroup group = GradientGroup::kHead;
    for (const auto& [offset, p] : by_offset) {
      const bool trained = p->group != GradientGroup::kUnused;
      EXPECT_EQ(offset, (end + 15) / 16 * 16) << p->name;
      EXPECT_GE(p->group, group) << p->name;
      EXPECT_EQ(offset < parameters.trained_size(), trained) << p->name;
      group = p->group;
      end = offset + p->size;
      if (trained) num_trained += p->size;
    }
    EXPECT_EQ(ParameterSet::NumTrained(Options(conv)), num_trained);
  }
}

TEST(Parameters, TheUnusedAndWhatIsBetweenNeverChangeUnderAdamAndTheOthersDo) {
  for (const Conv conv : {Conv::kFull, Conv::kLocal, Conv::kGlobal, Conv::kNone}) {
    LargeGTOptions options = Options(conv, NormKind::kLayer);
    options.codebook_start = CodebookStart::kPaper;
    const ToyGraph graph = MakeToyGraph(options.dims, {0, 20, 50});
    const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
    ToyRank rank(graph, options, *comm, {.adam = {.weight_decay = 0.1}});
    ParameterSet& parameters = rank.model().parameters();
    const std::map<std::string, Values> before = ValuesOf(parameters);
    for (int64_t step = 0; step < 3; ++step) rank.Train(step, ToyNodes(graph, 0.7, step));
    std::map<std::string, Values> after = ValuesOf(parameters);
    for (const Parameter& p : parameters.parameters()) {
      const std::vector<float>& values = after[p.name].values;
      // Those whose gradient is 0 by construction start at 0, which decay leaves alone.
      const bool never_moves =
          p.group == GradientGroup::kUnused || p.name == "convs.0.local_module.attn_layer.bias" ||
          absl::string_view(p.name).find("linear_k.bias") != absl::string_view::npos;
      EXPECT_EQ(values == before.at(p.name).values, never_moves) << p.name;
    }
    std::vector<float> all = ToHost(parameters.memory(), parameters.trained_values());
    for (const Parameter& p : parameters.parameters())
      if (p.group != GradientGroup::kUnused) std::fill_n(all.begin() + p.offset, p.size, 0.0F);
    EXPECT_THAT(all, testing::Each(0)) << "between parameters";
  }
}

// The golden cases are what the paper's code computed, under its names.
TEST(Parameters, StateNamesAndDimsAreThoseOfThePapersCode) {
  const char* folder = std::getenv("QH_GOLDEN");
  std::error_code ignored;
  int num_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           folder != nullptr ? folder : QH_SOURCE_DIR "/../shared/golden", ignored)) {
    if (entry.path().extension() != ".safetensors") continue;
    ++num_files;
    SCOPED_TRACE(entry.path().string());
    ASSERT_OK_AND_ASSIGN(const SafetensorsFile file, SafetensorsFile::Open(entry.path().string()));
    const std::map<std::string, std::string>& metadata = file.metadata();
    const auto number = [&](const char* key) { return int64_t{std::stoll(metadata.at(key))}; };
    LargeGTOptions options;
    options.dims = {.features = number("features"),
                    .sampled = number("sampled"),
                    .pos_enc = number("pe_width"),
                    .width = number("width"),
                    .heads = number("heads"),
                    .centroids = number("centroids"),
                    .classes = number("classes")};
    const std::string conv = metadata.at("conv"), norm = metadata.at("norm");
    options.conv = conv == "full"     ? Conv::kFull
                   : conv == "local"  ? Conv::kLocal
                   : conv == "global" ? Conv::kGlobal
                                      : Conv::kNone;
    options.norm = norm == "batch_norm"   ? NormKind::kBatch
                   : norm == "layer_norm" ? NormKind::kLayer
                                          : NormKind::kNone;
    const ToyGraph graph = MakeToyGraph(options.dims, {0, 10});
    const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
    ToyRank rank(graph, options, *comm);
    std::map<std::string, std::vector<int64_t>> actual, expected;
    for (const StateArray& array : rank.model().State()) actual[array.name] = array.dims;
    const std::string prefix = "state0.";
    for (const std::string& name : file.names()) {
      if (name.rfind(prefix, 0) != 0 || name == prefix + "convs.0.c_idx") continue;
      expected[name.substr(prefix.size())] = file.Find(name)->dims;
    }
    EXPECT_EQ(actual, expected);
  }
  if (num_files == 0) GTEST_SKIP() << "no golden cases in $QH_GOLDEN or ../shared/golden";
}

}  // namespace
}  // namespace quadhop
