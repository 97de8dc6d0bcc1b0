#include "model/layers/codebook.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/threads/thread_pool.h"
#include "tests/model/arrays.h"
#include "tests/model/test_kernels.h"
#include "tests/model/toy_job.h"
#include "tests/reference/codebook.h"
#include "tests/support/even_owners.h"
#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

const std::vector<int64_t> kPartitions = {0, 30, 40, 75, 90};

LargeGTOptions Options(int64_t centroids, CodebookStart start) {
  LargeGTOptions options;
  options.dims = {.features = 2,
                  .sampled = 1,
                  .pos_enc = 3,
                  .width = 4,
                  .heads = 1,
                  .centroids = centroids,
                  .classes = 2};
  options.codebook_start = start;
  options.ema_decay = 0.9;
  options.seed = 3;
  return options;
}

// Queries of any node at any step.
using QueryOf = std::function<std::vector<float>(int64_t step, int64_t node)>;

std::vector<float> RandomQuery(int64_t step, int64_t node) {
  RandomStream random(8, RandomPurpose::kTest, static_cast<uint64_t>(step),
                      static_cast<uint64_t>(node));
  std::vector<float> query(6);
  for (size_t c = 0; c < query.size(); ++c)
    query[c] = static_cast<float>(static_cast<double>(c) + 2 * random.Normal());
  return query;
}

// A codebook on one rank, with what an update needs.
class BookRank {
 public:
  BookRank(const LargeGTOptions& options, Communicator& comm)
      : graph_(MakeToyGraph(options.dims, kPartitions)),
        owners_(EvenOwners(graph_.num_partitions(), comm.num_ranks())),
        first_(owners_.first[static_cast<size_t>(comm.rank().value())]),
        end_(owners_.first[static_cast<size_t>(comm.rank().value()) + 1]),
        options_(options),
        comm_(TestExchanges().front().make_communicator(comm, *kernels_)),
        parameters_(options, memory()),
        gradients_(parameters_, end_ - first_) {
    const int64_t begin = kPartitions[static_cast<size_t>(first_)];
    const absl::Span<const int64_t> ids =
        absl::MakeConstSpan(graph_.original_ids)
            .subspan(static_cast<size_t>(begin),
                     static_cast<size_t>(kPartitions[static_cast<size_t>(end_)] - begin));
    absl::StatusOr<Codebook> book =
        Codebook::Create(options, GlobalId(begin), ids, *comm_, *kernels_);
    QH_CHECK(book.ok());
    book_ = std::make_unique<Codebook>(std::move(*book));
    absl::StatusOr<std::unique_ptr<BackgroundSum>> background =
        BackgroundSum::Create(*comm_, owners_, Reduction::kReproducible, &kernels_->row_adder());
    QH_CHECK(background.ok());
    background_ = std::move(*background);
  }

  void Update(int64_t at_step, const std::vector<int64_t>& nodes, const QueryOf& query_of) {
    const Batch batch = MakeToyBatch(graph_, at_step, nodes, first_, end_);
    BatchArrays arrays;
    arrays.Take(memory(), batch);
    const Step step{*kernels_,  *comm_, *background_, owners_, parameters_,
                    gradients_, batch,  arrays,       true,    options_.seed};
    std::vector<float> queries;
    for (const GlobalId node : batch.nodes) {
      const std::vector<float> q = query_of(at_step, node.value());
      queries.insert(queries.end(), q.begin(), q.end());
    }
    Array<float> query(memory(), {batch.num_nodes(), options_.dims.query()});
    ToArray<float>(memory(), queries, query.view());
    book_->StartUpdate(step, query.cview());
    EXPECT_OK(book_->Assign(step, query.cview()));
    EXPECT_OK(background_->Wait());
    book_->Move(step);
  }

  Codebook& book() { return *book_; }
  Memory& memory() { return kernels_->memory(); }
  std::vector<float> ToHost(TensorView<const float> array) {
    return quadhop::ToHost(memory(), array);
  }
  const ToyGraph& graph() const { return graph_; }

 private:
  ToyGraph graph_;
  PartitionOwners owners_;
  int32_t first_, end_;
  LargeGTOptions options_;
  ThreadPool pool_{2};
  std::unique_ptr<Kernels> kernels_ = MakeTestKernels(pool_);
  std::unique_ptr<Communicator> comm_;
  ParameterSet parameters_;
  GradientSummands gradients_;
  std::unique_ptr<Codebook> book_;
  std::unique_ptr<BackgroundSum> background_;
};

// The queries of a step normalised by their batch, in double.
std::vector<std::vector<double>> Normalised(int64_t step, const std::vector<int64_t>& nodes,
                                            const QueryOf& query_of) {
  std::vector<std::vector<double>> z;
  for (const int64_t node : nodes) {
    const std::vector<float> query = query_of(step, node);
    z.emplace_back(query.begin(), query.end());
  }
  const double n = static_cast<double>(nodes.size());
  for (size_t c = 0; c < z[0].size(); ++c) {
    double mean = 0, variance = 0;
    for (const auto& row : z) mean += row[c] / n;
    for (const auto& row : z) variance += (row[c] - mean) * (row[c] - mean) / n;
    for (auto& row : z) row[c] = (row[c] - mean) / std::sqrt(variance + 1e-5);
  }
  return z;
}

double Distance(const float* a, const std::vector<double>& b) {
  double largest = 0;
  for (size_t c = 0; c < b.size(); ++c) largest = std::max(largest, std::abs(double{a[c]} - b[c]));
  return largest;
}

TEST(Codebook, StartsFromDistinctQueriesOfThoseSeen) {
  LargeGTOptions options = Options(12, CodebookStart::kData);
  options.ema_decay = 1;  // the first move leaves everything in place, but for rounding
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  BookRank rank(options, *comm);
  std::vector<std::vector<double>> seen;
  for (int64_t step = 0; step < 2; ++step) {  // 4 M = 48
    EXPECT_FALSE(rank.book().started());
    const std::vector<int64_t> nodes = ToyNodes(rank.graph(), 0.4, step);
    rank.Update(step, nodes, RandomQuery);
    for (auto& row : Normalised(step, nodes, RandomQuery)) seen.push_back(std::move(row));
  }
  ASSERT_GE(seen.size(), 48u);
  ASSERT_TRUE(rank.book().started());
  std::set<size_t> chosen;
  const std::vector<float> sums = rank.ToHost(rank.book().sums());
  const std::vector<float> sizes = rank.ToHost(rank.book().sizes());
  const std::vector<float> embedding = rank.ToHost(rank.book().embedding());
  for (size_t m = 0; m < 12; ++m) {
    const float* sum = sums.data() + 6 * m;
    for (size_t i = 0; i < seen.size(); ++i)
      if (Distance(sum, seen[i]) < 1e-5) chosen.insert(i);
    EXPECT_NEAR(double{sizes[m]}, 1, 1e-6);
    for (size_t c = 0; c < 6; ++c)
      EXPECT_NEAR(embedding[6 * m + c], sum[c], 4e-6f * (1 + std::abs(sum[c])));
  }
  EXPECT_EQ(chosen.size(), 12u);
}

TEST(Codebook, StartsWithJitterWhereDistinctQueriesAreTooFew) {
  LargeGTOptions options = Options(5, CodebookStart::kData);
  options.ema_decay = 1;
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  BookRank rank(options, *comm);
  const QueryOf one_of_two = [](int64_t, int64_t node) { return RandomQuery(0, node % 2); };
  std::vector<int64_t> nodes(40);
  std::iota(nodes.begin(), nodes.end(), 0);
  rank.Update(0, nodes, one_of_two);
  ASSERT_TRUE(rank.book().started());
  const std::vector<std::vector<double>> z =
      Normalised(0, {nodes.begin(), nodes.end()}, one_of_two);
  std::set<std::vector<float>> distinct;
  const std::vector<float> sums = rank.ToHost(rank.book().sums());
  for (size_t m = 0; m < 5; ++m) {
    const float* row = sums.data() + 6 * m;
    distinct.insert({row, row + 6});
    const double distance = std::min(Distance(row, z[0]), Distance(row, z[1]));
    if (m < 2) {
      EXPECT_LT(distance, 1e-5) << m;
    } else {  // standard deviation 0.01, six values
      EXPECT_GT(distance, 1e-4) << m;
      EXPECT_LT(distance, 0.06) << m;
    }
  }
  EXPECT_EQ(distinct.size(), 5u);
}

TEST(Codebook, IsTheSameForAnyNumberOfRanks) {
  std::vector<float> expected;
  std::vector<int64_t> expected_counts;
  for (const int32_t num_ranks : {1, 2, 4}) {
    RunRanks(num_ranks, [&](Communicator& comm) {
      BookRank rank(Options(12, CodebookStart::kData), comm);
      for (int64_t step = 0; step < 5; ++step)
        rank.Update(step, ToyNodes(rank.graph(), 0.4, step), RandomQuery);
      EXPECT_TRUE(rank.book().started());
      if (comm.rank() != Rank(num_ranks - 1)) return;
      std::vector<float> all;
      for (const TensorView<float> view : {rank.book().embedding(), rank.book().output_state(),
                                           rank.book().sizes(), rank.book().sums()})
        for (const float value : rank.ToHost(view)) all.push_back(value);
      const auto counts = rank.book().counts();
      if (num_ranks == 1) {
        expected = all;
        expected_counts = counts;
      }
      EXPECT_EQ(all, expected) << num_ranks << " ranks";
      EXPECT_EQ(counts, expected_counts);
    });
  }
}

TEST(Codebook, CountsAreThoseOfCodesAndSumToAllNodes) {
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  BookRank rank(Options(7, CodebookStart::kData), *comm);
  for (int64_t step = 0; step < 6; ++step) {
    std::vector<int64_t> expected(7);
    for (const int16_t code : rank.book().codes()) ++expected[static_cast<size_t>(code)];
    const auto counts = rank.book().counts();
    EXPECT_EQ(counts, expected) << "step " << step;
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 90);
    const std::vector<float> log_counts = rank.ToHost(rank.book().log_count());
    for (size_t m = 0; m < 7; ++m) {
      const double log_count = std::log(static_cast<double>(expected[m]));
      const float actual = log_counts[m];
      if (std::isinf(log_count)) {
        EXPECT_EQ(actual, -std::numeric_limits<float>::infinity());
      } else {
        EXPECT_NEAR(double{actual}, log_count, 1e-6);
      }
    }
    rank.Update(step, ToyNodes(rank.graph(), 0.5, step), RandomQuery);
  }
}

TEST(Codebook, InitialCodesAreAFunctionOfTheOriginalId) {
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ThreadPool pool(1);
  const std::unique_ptr<Kernels> kernels = MakeTestKernels(pool);
  const LargeGTOptions options = Options(7, CodebookStart::kData);
  ASSERT_OK_AND_ASSIGN(Codebook book,
                       Codebook::Create(options, GlobalId(0), {4, 8, 15}, *comm, *kernels));
  ASSERT_OK_AND_ASSIGN(Codebook other,
                       Codebook::Create(options, GlobalId(40), {15, 4, 99, 8}, *comm, *kernels));
  EXPECT_EQ(book.codes()[0], other.codes()[1]);
  EXPECT_EQ(book.codes()[1], other.codes()[3]);
  EXPECT_EQ(book.codes()[2], other.codes()[0]);
}

TEST(Codebook, ATieGoesToTheLowestIndex) {
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  BookRank rank(Options(7, CodebookStart::kPaper), *comm);
  // Equal centroids in pairs around one that is far away: 1 and 5, 2 and 4, 3 and 6.
  const int64_t equal_to[] = {-1, 1, 2, 3, 2, 1, 3};
  int64_t at = 0;
  Change<float>(rank.memory(), rank.book().embedding(), [&](float) {
    const int64_t m = at / 6, c = at++ % 6;
    return m == 0 ? 100.0f : static_cast<float>(std::sin(static_cast<double>(7 * equal_to[m] + c)));
  });
  std::vector<int64_t> nodes(90);
  std::iota(nodes.begin(), nodes.end(), 0);
  rank.Update(0, nodes, RandomQuery);
  const std::vector<int16_t> codes = rank.book().codes();
  EXPECT_EQ(std::set<int16_t>(codes.begin(), codes.end()), (std::set<int16_t>{1, 2, 3}));
}

TEST(Codebook, ACentroidOfNobodyGetsNoAttention) {
  ThreadPool pool(2);
  const std::unique_ptr<Kernels> kernels = MakeTestKernels(pool);
  constexpr int64_t kRows = 9, kHeads = 2, kWidth = 5, kCentroids = 21, kEmpty = 17;
  Tensor<float> query({kRows, kHeads * kWidth}), d_y({kRows, kHeads * kWidth});
  Tensor<float> key({kCentroids, kHeads * kWidth}), value({kCentroids, kHeads * kWidth});
  Tensor<float> log_count({kCentroids}), probability({kRows, kHeads, kCentroids});
  Tensor<float> y({kRows, kHeads * kWidth}), d_query({kRows, kHeads * kWidth});
  Tensor<float> d_key({kCentroids, kHeads * kWidth}), d_value({kCentroids, kHeads * kWidth});
  RandomStream random(9, RandomPurpose::kTest, 0, 0);
  for (Tensor<float>* t : {&query, &d_y, &key, &value, &log_count})
    for (int64_t i = 0; i < t->size(); ++i) (*t)[i] = static_cast<float>(random.Normal());
  log_count[kEmpty] = -std::numeric_limits<float>::infinity();
  // It would win by far if it had a node.
  std::copy_n(query.row(0), kHeads * kWidth, key.row(kEmpty));
  for (int64_t i = 0; i < kHeads * kWidth; ++i) key.row(kEmpty)[i] *= 50;
  const int64_t all[] = {0, kRows};
  Memory& memory = kernels->memory();
  std::vector<Array<float>> arrays;
  const auto copy_of = [&](Tensor<float>& host) {
    arrays.push_back(ArrayOf(memory, host));
    return host.view().At(arrays.back().data());
  };
  const TensorView<float> kernel_probability = copy_of(probability), kernel_d_y = copy_of(d_y);
  const TensorView<float> kernel_d_key = copy_of(d_key), kernel_d_value = copy_of(d_value);
  CodebookAttentionArgs forward;
  forward.slices = {all};
  forward.heads = kHeads;
  forward.query = copy_of(query);
  forward.key = copy_of(key);
  forward.value = copy_of(value);
  forward.log_count = copy_of(log_count);
  forward.probability = kernel_probability;
  forward.y = copy_of(y);
  kernels->CodebookAttention(forward);
  memory.Download(kernel_probability.data(), BytesOf(kernel_probability), probability.data());
  for (int64_t r = 0; r < kRows * kHeads; ++r) {
    double sum = 0;
    for (int64_t m = 0; m < kCentroids; ++m) sum += double{probability[r * kCentroids + m]};
    EXPECT_NEAR(sum, 1, 1e-5);
    EXPECT_EQ(probability[r * kCentroids + kEmpty], 0.0f);
  }
  kernels->CodebookOuterSum({kHeads, 1, kernel_probability, kernel_d_y, kernel_d_value});
  CodebookAttentionBackwardArgs backward;
  backward.slices = {all};
  backward.heads = kHeads;
  backward.key = forward.key;
  backward.value = forward.value;
  backward.probability = kernel_probability;
  backward.d_y = kernel_d_y;
  backward.d_query = copy_of(d_query);
  kernels->CodebookAttentionBackward(backward);
  kernels->CodebookOuterSum({kHeads, 1, kernel_probability, forward.query, kernel_d_key});
  memory.Download(kernel_d_key.data(), BytesOf(kernel_d_key), d_key.data());
  memory.Download(kernel_d_value.data(), BytesOf(kernel_d_value), d_value.data());
  for (int64_t i = 0; i < kHeads * kWidth; ++i) {
    EXPECT_EQ(d_key[kEmpty * kHeads * kWidth + i], 0.0f);
    EXPECT_EQ(d_value[kEmpty * kHeads * kWidth + i], 0.0f);
    EXPECT_NE(d_value[i], 0.0f);
  }
}

TEST(Codebook, MovesAsTheReference) {
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  BookRank rank(Options(7, CodebookStart::kPaper), *comm);
  Codebook& book = rank.book();
  reference::Arrays<double> state;
  const auto add = [&](const std::string& name, std::vector<size_t> dims, TensorView<float> view) {
    const std::vector<float> values = rank.ToHost(view);
    state["vq." + name] = {std::move(dims), {values.begin(), values.end()}};
    return std::pair(name, view);
  };
  const std::vector<std::pair<std::string, TensorView<float>>> arrays = {
      add("_embedding", {7, 6}, book.embedding()),
      add("_embedding_output", {7, 6}, book.output_state()),
      add("_ema_cluster_size", {7}, book.sizes()),
      add("_ema_w", {7, 6}, book.sums()),
      add("bn.running_mean", {6}, book.moments().running_mean()),
      add("bn.running_var", {6}, book.moments().running_var())};
  state["vq.bn.num_batches_tracked"] = {{}, {0}};
  std::vector<int16_t> codes = book.codes();
  for (int64_t step = 0; step < 5; ++step) {
    const std::vector<int64_t> nodes = ToyNodes(rank.graph(), 0.4, step);
    reference::Values<double> x;
    for (const int64_t node : nodes) {
      const std::vector<float> query = RandomQuery(step, node);
      x.insert(x.end(), query.begin(), query.end());
    }
    const std::vector<size_t> nearest = reference::UpdateCodebook(state, "vq", x, 0.9);
    for (size_t i = 0; i < nodes.size(); ++i)
      codes[static_cast<size_t>(nodes[i])] = static_cast<int16_t>(nearest[i]);
    rank.Update(step, nodes, RandomQuery);
    EXPECT_EQ(book.codes(), codes) << "step " << step;
    for (const auto& [name, view] : arrays) {
      const reference::Values<double>& expected = state["vq." + name].values;
      const std::vector<float> actual = rank.ToHost(view);
      // A centroid that few nodes chose divides by a small size: relative to that too.
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(double{actual[i]}, expected[i], 1e-5 * (1 + std::abs(expected[i])))
            << name << "[" << i << "] at step " << step;
    }
  }
}

}  // namespace
}  // namespace quadhop
