// What ranks would have to send each other, by how the hot set is chosen:
//
//   quadhop_exchange_bench STORE.qh [RANKS [K [BATCH [EPOCHS [HOT_SHARE [RUN_NODES]]]]]]
//
// Runs the samples of every rank's training, one after the other, without training: no exchange is
// made, distinct remote rows of each step are counted. `drawn` ranks nodes by how often the steps
// measured here really needed them: the oracle that no forecast can beat.
#include <absl/strings/numbers.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/store/store.h"
#include "sampler/batches/batch_loader.h"
#include "sampler/features/hot_set.h"

namespace quadhop::bench {
namespace {

struct Settings {
  std::string store;
  int64_t ranks = 4;
  int64_t sampled_nodes = 20;
  int64_t batch = 1024;
  int64_t epochs = 3;
  double hot_share = 0.1;  // of N rows
  int64_t run_nodes = 1;
};

// Counts how many steps need each node's row.
class CountingSource : public FeatureSource {
 public:
  explicit CountingSource(int64_t num_nodes) : steps_(static_cast<size_t>(num_nodes)) {}
  int64_t hops_and_self() const override { return 1; }
  int64_t width() const override { return 1; }
  const std::vector<float>& steps() const { return steps_; }  // [N]

 private:
  absl::Status DoGather(absl::Span<const GlobalId> nodes, TensorView<float>, ThreadPool&) override {
    for (const GlobalId node : nodes) steps_[static_cast<size_t>(node.value())] += 1;
    return absl::OkStatus();
  }
  std::vector<float> steps_;  // whole numbers, exact below 2^24
};

std::vector<float> Degrees(const Topology& topology) {
  std::vector<float> degrees;
  for (int64_t v = 0; v < topology.num_nodes(); ++v)
    degrees.push_back(static_cast<float>(topology.degree(v)));
  return degrees;
}

// Steps that need the rows of `nodes`.
double RowsOf(const std::vector<GlobalId>& nodes, const std::vector<float>& steps) {
  double rows = 0;
  for (const GlobalId node : nodes)
    rows += static_cast<double>(steps[static_cast<size_t>(node.value())]);
  return rows;
}

// Distinct rows, summed over ranks and steps.
struct Totals {
  int64_t steps = 0;
  double rows = 0, remote = 0;
  double forecast = 0, degree = 0, drawn = 0;  // remote rows that the hot set holds
  double expected_hits = 0;                    // by the forecast's own figure
};

absl::Status AddRank(const Settings& settings, const Store& store, const PartitionOwners& owners,
                     Rank rank, ThreadPool& pool, Totals& totals) {
  QH_ASSIGN_OR_RETURN(LoaderInputs inputs, TargetsFromStore(store, "", pool));
  QH_RETURN_IF_ERROR(AddGraph(store, false, owners, rank, inputs));
  CountingSource source(store.num_nodes());
  inputs.features = &source;
  LoaderOptions options;
  options.sampler.sampled_nodes = static_cast<int32_t>(settings.sampled_nodes);
  options.prefetch_steps = 0;
  options.run_nodes = settings.run_nodes;
  QH_ASSIGN_OR_RETURN(const auto loader, BatchLoader::Create(inputs, options));
  int64_t steps = 0;
  for (int64_t epoch = 1; epoch <= settings.epochs; ++epoch) {
    QH_RETURN_IF_ERROR(loader->Start({.batch = settings.batch, .epoch = epoch}));
    steps += loader->num_steps();
    while (true) {
      QH_ASSIGN_OR_RETURN(const Batch* batch, loader->Next());
      if (batch == nullptr) break;
    }
  }
  const auto offset = [&](int32_t p) { return inputs.partition_offsets[static_cast<size_t>(p)]; };
  const BlockRange own = {offset(inputs.first_partition), offset(inputs.end_partition)};
  double remote = 0;
  for (int64_t v = 0; v < store.num_nodes(); ++v) {
    const double needed = static_cast<double>(source.steps()[static_cast<size_t>(v)]);
    totals.rows += needed;
    if (v < own.begin || v >= own.end) remote += needed;
  }
  const auto max_rows =
      static_cast<int64_t>(settings.hot_share * static_cast<double>(store.num_nodes()));
  const int64_t steps_an_epoch = steps / settings.epochs;
  const auto hits = [&](const std::vector<float>& score) {
    return RowsOf(ChooseHotSet(score, own, max_rows, steps_an_epoch).nodes, source.steps());
  };
  const HotSet forecast =
      ChooseHotSet(ExpectedDraws(inputs.topology, options.sampler, inputs.OwnTrainingNodes(), pool),
                   own, max_rows, steps_an_epoch);
  totals.steps = steps;
  totals.remote += remote;
  totals.forecast += RowsOf(forecast.nodes, source.steps());
  totals.expected_hits += forecast.expected_hit_rate * remote;
  totals.degree += hits(Degrees(inputs.topology));
  totals.drawn += hits(source.steps());
  return absl::OkStatus();
}

absl::Status Run(const Settings& settings) {
  QH_ASSIGN_OR_RETURN(const auto store, Store::Open(settings.store));
  QH_ASSIGN_OR_RETURN(const FeatureTable table, store->features());
  const std::vector<double> costs(static_cast<size_t>(store->num_partitions()), 1.0);
  QH_ASSIGN_OR_RETURN(const PartitionOwners owners,
                      PartitionOwners::Split(costs, static_cast<int32_t>(settings.ranks)));
  ThreadPool pool(1);
  Totals totals;
  for (int32_t r = 0; r < owners.num_ranks(); ++r)
    QH_RETURN_IF_ERROR(AddRank(settings, *store, owners, Rank(r), pool, totals));
  const double steps = static_cast<double>(totals.steps);
  std::printf(
      "%s: %lld ranks, %d partitions, K %lld, batch %lld, %lld epochs, hot set of %.1f %% "
      "of the rows, %lld bytes a row\n",
      settings.store.c_str(), static_cast<long long>(settings.ranks), store->num_partitions(),
      static_cast<long long>(settings.sampled_nodes), static_cast<long long>(settings.batch),
      static_cast<long long>(settings.epochs), 100 * settings.hot_share,
      static_cast<long long>(table.row_bytes()));
  std::printf("rows a step, all ranks: %.0f distinct, %.0f of them remote (%.1f %%)\n",
              totals.rows / steps, totals.remote / steps, 100 * totals.remote / totals.rows);
  std::printf("%-20s %10s %14s %14s\n", "hot set", "hit rate", "MB a step", "of none");
  const auto line = [&](const char* name, double hits) {
    const double received = totals.remote - hits;
    std::printf("%-20s %10.3f %14.3f %14.3f\n", name, hits / totals.remote,
                received / steps * static_cast<double>(table.row_bytes()) * 1e-6,
                received / totals.remote);
  };
  line("none", 0);
  line("degree", totals.degree);
  line("forecast", totals.forecast);
  line("  as expected", totals.expected_hits);
  line("drawn (oracle)", totals.drawn);
  return absl::OkStatus();
}

}  // namespace
}  // namespace quadhop::bench

int main(int argc, char** argv) {
  quadhop::bench::Settings settings;
  int64_t* const numbers[] = {&settings.ranks, &settings.sampled_nodes, &settings.batch,
                              &settings.epochs};
  bool usable = argc >= 2 && argc <= 8;
  if (usable) settings.store = argv[1];
  for (int i = 2; usable && i < argc && i < 6; ++i)
    usable = absl::SimpleAtoi(argv[i], numbers[i - 2]) && *numbers[i - 2] > 0;
  if (usable && argc >= 7) usable = absl::SimpleAtod(argv[6], &settings.hot_share);
  if (usable && argc == 8)
    usable = absl::SimpleAtoi(argv[7], &settings.run_nodes) && settings.run_nodes > 0;
  if (!usable) {
    std::fprintf(stderr,
                 "usage: %s STORE.qh [RANKS [K [BATCH [EPOCHS [HOT_SHARE [RUN_NODES]]]]]]\n",
                 argv[0]);
    return 2;
  }
  const absl::Status status = quadhop::bench::Run(settings);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
