#include "partition/synth/synth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/files/file.h"
#include "core/store/store.h"
#include "partition/import/import.h"
#include "partition/synth/alias_table.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<Store> MakeStore(SynthOptions options, const std::string& path, int num_threads) {
  ThreadPool pool(num_threads);
  options.out = path;
  options.to_store = true;
  const absl::StatusOr<ImportReport> report = Synth(options, pool);
  EXPECT_OK(report);
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(path);
  EXPECT_OK(store);
  return *std::move(store);
}

std::string BytesOf(const Store& store, const std::string& name) {
  const absl::StatusOr<const NpyFile*> file = store.array(name);
  EXPECT_OK(file);
  const absl::Span<const uint8_t> bytes = (*file)->file().bytes();
  return std::string(bytes.begin(), bytes.end());
}

constexpr const char* kArrays[] = {"indptr.npy", "indices.npy", "raw.npy",
                                   "labels.npy", "splits.npy",  "original_ids.npy"};

TEST(Synth, IsTheSameForAnyNumberOfThreads) {
  const TempDir folder;
  const SynthOptions options{.nodes = 10'000, .degree = 20, .features = 7, .seed = 3};
  const std::unique_ptr<Store> one = MakeStore(options, folder / "one.qh", 1);
  const std::unique_ptr<Store> five = MakeStore(options, folder / "five.qh", 5);
  for (const char* name : kArrays) EXPECT_EQ(BytesOf(*one, name), BytesOf(*five, name)) << name;
  SynthOptions other = options;
  other.seed = 4;
  const std::unique_ptr<Store> another = MakeStore(other, folder / "other.qh", 2);
  for (const char* name : {"indices.npy", "raw.npy", "labels.npy", "splits.npy"})
    EXPECT_NE(BytesOf(*one, name), BytesOf(*another, name)) << name;
}

TEST(Synth, WritesNoFolderAmongOtherFiles) {
  const TempDir folder;
  ThreadPool pool(1);
  SynthOptions options{.nodes = 100, .degree = 4, .features = 2, .classes = 3};
  options.out = folder / "run";
  ASSERT_OK(MakeDirectories(options.out));
  EXPECT_OK(Synth(options, pool));
  EXPECT_OK(Synth(options, pool)) << "a graph of its own is replaced";
  ASSERT_OK(WriteFileAtomically(options.out + "/store.txt", ""));
  EXPECT_THAT(Synth(options, pool), StatusIs(absl::StatusCode::kFailedPrecondition,
                                             HasSubstr("run: holds store.txt: name a folder")));
}

TEST(Synth, WritesAFolderThatImportsAsTheSameStore) {
  const TempDir folder;
  ThreadPool pool(2);
  SynthOptions options{.nodes = 9'000, .degree = 12, .features = 5, .classes = 6};
  const std::unique_ptr<Store> direct = MakeStore(options, folder / "direct.qh", 2);
  options.out = folder / "raw";
  ASSERT_OK_AND_ASSIGN(const ImportReport written, Synth(options, pool));
  ASSERT_OK_AND_ASSIGN(const ImportReport read,
                       Import({.from = folder / "raw", .store = folder / "read.qh"}, pool));
  EXPECT_EQ(read.format, "ogb");
  EXPECT_EQ(read.arcs, written.arcs);
  EXPECT_EQ(read.arcs_read, written.arcs / 2);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> imported, Store::Open(folder / "read.qh"));
  for (const char* name : kArrays)
    EXPECT_EQ(BytesOf(*direct, name), BytesOf(*imported, name)) << name;
}

// A split of 100 million nodes is more text than a gzip member takes.
TEST(Synth, WritesSplitsAsManyGzipMembers) {
  const TempDir folder;
  ThreadPool pool(2);
  ASSERT_OK(Synth({.nodes = 9'000, .degree = 2, .features = 0, .out = folder.path()}, pool));
  for (const char* part : {"train", "valid", "test"}) {
    ASSERT_OK_AND_ASSIGN(const std::string text,
                         ReadFile(folder / "split/random/" + part + ".csv.gz"));
    const std::string head("\x1f\x8b\x08\0\0\0\0\0", 8);  // of a member, without a time
    int num_members = 0;
    for (size_t at = 0; (at = text.find(head, at)) != std::string::npos; ++at) ++num_members;
    EXPECT_EQ(num_members, 3) << part;  // of 4096 nodes and less
  }
}

// N = 40,000, so that the largest degree is 2,000.
class SynthGraph : public ::testing::Test {
 protected:
  SynthGraph() : store_(MakeStore(options_, folder_ / "s.qh", 2)) {}
  SynthOptions options_{.nodes = 40'000, .degree = 30, .features = 20, .classes = 10};
  TempDir folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(SynthGraph, HasThePowerLawOfDegreesAsked) {
  const Topology topology = *store_->topology();
  const double num_nodes = static_cast<double>(topology.num_nodes());
  EXPECT_NEAR(static_cast<double>(topology.num_arcs()) / num_nodes, 30, 0.3);
  std::vector<double> degrees;
  for (int64_t v = 0; v < topology.num_nodes(); ++v)
    degrees.push_back(static_cast<double>(topology.degree(v)));
  std::sort(degrees.begin(), degrees.end(), std::greater<>());
  // The largest has weight 2,000; at hubs, some edges fall together.
  EXPECT_LT(degrees.front(), 2100);
  EXPECT_GT(degrees.front(), 1200);
  // Hill's estimator of the tail (exponent - 1 = 1.5) over degrees in [60, 300], where neither the
  // cut nor the merging of edges weighs much: the maximum likelihood of a power law cut at both
  // ends.
  double sum_log = 0;
  double count = 0;
  for (const double d : degrees)
    if (d >= 60 && d <= 300) {
      sum_log += std::log(d / 60);
      ++count;
    }
  ASSERT_GT(count, 1000);
  const double ratio = 300.0 / 60.0;
  const auto mean_log = [&](double tail) {
    const double cut = std::pow(ratio, -tail);
    return 1 / tail - std::log(ratio) * cut / (1 - cut);
  };
  double low = 0.1, high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (mean_log(middle) > sum_log / count ? low : high) = middle;
  }
  // One standard error is about tail / sqrt(count) times 2 for the cut: 0.06; Poisson noise
  // flattens little at 60.
  EXPECT_NEAR(low, 1.5, 0.2);
}

TEST_F(SynthGraph, KeepsSevenArcsInTenInsideTheirClass) {
  const Topology topology = *store_->topology();
  const absl::Span<const int32_t> labels = *store_->labels();
  int64_t inside = 0;
  for (int64_t v = 0; v < topology.num_nodes(); ++v)
    for (int64_t e = topology.indptr[static_cast<size_t>(v)];
         e < topology.indptr[static_cast<size_t>(v) + 1]; ++e)
      inside +=
          labels[static_cast<size_t>(v)] == labels[topology.indices32[static_cast<size_t>(e)]];
  // Edges inside a class fall together somewhat more often than others.
  EXPECT_NEAR(static_cast<double>(inside) / static_cast<double>(topology.num_arcs()), 0.7, 0.02);
  std::vector<int64_t> sizes(10);
  for (const int32_t label : labels) ++sizes.at(static_cast<size_t>(label));
  // Binomial(40000, 1/10): standard deviation 60; five of them.
  for (const int64_t size : sizes) EXPECT_NEAR(static_cast<double>(size), 4000, 300);
}

TEST_F(SynthGraph, HasFeaturesOfUnitNoiseAroundMeansOfNormOne) {
  ASSERT_OK_AND_ASSIGN(const NpyFile* raw, store_->array("raw.npy"));
  const absl::Span<const float> x = raw->values<float>();
  const absl::Span<const int32_t> labels = *store_->labels();
  std::vector<double> sums(10 * 20), sizes(10);
  for (size_t v = 0; v < labels.size(); ++v) {
    const size_t c = static_cast<size_t>(labels[v]);
    ++sizes[c];
    for (size_t i = 0; i < 20; ++i) sums[20 * c + i] += double{x[20 * v + i]};
  }
  for (size_t c = 0; c < 10; ++c) {
    double squares = 0;
    for (size_t i = 0; i < 20; ++i) squares += std::pow(sums[20 * c + i] / sizes[c], 2);
    // The mean of 4,000 unit normals has deviation 0.016 in each direction: five of them, and
    // 20/4000 of bias.
    EXPECT_NEAR(std::sqrt(squares), 1, 0.085) << c;
  }
  double noise = 0;
  for (size_t v = 0; v < labels.size(); ++v)
    for (size_t i = 0; i < 20; ++i) {
      const size_t c = static_cast<size_t>(labels[v]);
      noise += std::pow(double{x[20 * v + i]} - sums[20 * c + i] / sizes[c], 2);
    }
  // 800,000 squares of unit normals: standard deviation of their mean sqrt(2 / 800000) = 0.0016.
  EXPECT_NEAR(noise / 800'000, 1, 0.008);
}

TEST_F(SynthGraph, TrainsOnEightPercentAndTestsOnNinety) {
  const absl::Span<const uint8_t> split = *store_->split("random");
  EXPECT_EQ(std::count(split.begin(), split.end(), 1), 3200);
  EXPECT_EQ(std::count(split.begin(), split.end(), 2), 800);
  EXPECT_EQ(std::count(split.begin(), split.end(), 3), 36000);
}

TEST_F(SynthGraph, ShufflesIds) {
  // Were ids in order of weight, the first half would have far more or far fewer than half of the
  // arcs.
  const Topology topology = *store_->topology();
  EXPECT_NEAR(
      static_cast<double>(topology.indptr[20'000]) / static_cast<double>(topology.num_arcs()), 0.5,
      0.05);
}

TEST(Synth, TakesOneClassAndNoFeatures) {
  const TempDir folder;
  const std::unique_ptr<Store> store =
      MakeStore({.nodes = 500, .degree = 6, .features = 0, .classes = 1}, folder / "s.qh", 2);
  EXPECT_FALSE(store->HasFile("raw.npy"));
  EXPECT_NEAR(static_cast<double>(store->manifest().arcs()) / 500, 6, 0.6);
}

TEST(Synth, NamesTheOptionThatIsOutOfRange) {
  const TempDir folder;
  ThreadPool pool(1);
  const auto error = [&](SynthOptions options) {
    options.out = folder / "s";
    options.to_store = true;
    const absl::Status status = Synth(options, pool).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(folder / "s"));
    return std::string(status.message());
  };
  EXPECT_THAT(error({.nodes = 1}), HasSubstr("--nodes is 1"));
  EXPECT_THAT(error({.nodes = 100, .degree = 80}), HasSubstr("--degree is 80"));
  EXPECT_THAT(error({.nodes = 100, .degree = 0}), HasSubstr("--degree is 0"));
  EXPECT_THAT(error({.nodes = 100, .degree = 5, .features = -1}), HasSubstr("--features is -1"));
  EXPECT_THAT(error({.nodes = 100, .degree = 5, .classes = 101}), HasSubstr("--classes is 101"));
  EXPECT_THAT(error({.nodes = 2000, .degree = 150, .classes = 100}),
              HasSubstr("too many edges coincide"));
}

TEST(AliasTable, DrawsInProportionToWeights) {
  const std::vector<double> weights = {5, 0, 1, 2.5, 0.5, 1};
  const AliasTable table(weights);
  RandomStream random(7, RandomPurpose::kTest, 0, 0);
  std::vector<int64_t> counts(weights.size());
  for (int i = 0; i < 1'000'000; ++i) ++counts[static_cast<size_t>(table.Draw(random))];
  // A count's standard deviation is at most 500; five of them.
  for (size_t i = 0; i < weights.size(); ++i)
    EXPECT_NEAR(static_cast<double>(counts[i]), weights[i] * 1e5, 2500) << i;
  EXPECT_EQ(counts[1], 0);
}

}  // namespace
}  // namespace quadhop
