#include "model/codebook.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "comm/gather.h"
#include "core/check.h"
#include "core/checksum.h"
#include "core/rng.h"
#include "core/status.h"

namespace quadhop {
namespace {

constexpr int64_t kCandidatesPerCentroid = 4;
constexpr double kJitter = 0.01;       // standard deviation, in units of normalised queries
constexpr double kSizeEpsilon = 1e-5;  // of the paper's code: keeps empty centroids' sizes off zero

}  // namespace

Codebook::Codebook(const LargeGTOptions& options, GlobalId first_node)
    : options_(options), first_node_(first_node), moments_(options.dims.query()) {
  const int64_t centroids = options.dims.centroids, width = options.dims.query();
  for (Tensor<float>* t : {&embedding_, &output_, &sums_}) t->Resize({centroids, width});
  for (Tensor<float>* t : {&sizes_, &log_count_}) t->Resize({centroids});
  counts_.resize(static_cast<size_t>(centroids));
  total_.Resize({centroids * (1 + width)});
  total_moves_.Resize({centroids});
  uint64_t stream = 0;
  for (Tensor<float>* t : {&embedding_, &output_, &sums_}) {
    RandomStream random(options.seed, RandomPurpose::kCodebook, 0, stream++);
    for (int64_t i = 0; i < t->size(); ++i) (*t)[i] = static_cast<float>(random.Normal());
  }
  started_ = options.codebook_start == CodebookStart::kPaper;
}

absl::StatusOr<Codebook> Codebook::Create(const LargeGTOptions& options, GlobalId first_node,
                                          absl::Span<const int64_t> owned_original_ids,
                                          Communicator& comm) {
  Codebook book(options, first_node);
  book.codes_.reserve(owned_original_ids.size());
  for (int64_t id : owned_original_ids) {
    const uint64_t hash =
        StreamKey(options.seed, RandomPurpose::kInitialCode, 0, static_cast<uint64_t>(id));
    book.codes_.push_back(
        static_cast<int16_t>(hash % static_cast<uint64_t>(options.dims.centroids)));
  }
  QH_RETURN_IF_ERROR(book.StateChanged(comm, book.started_));
  return book;
}

absl::Status Codebook::StateChanged(Communicator& comm, bool started) {
  started_ = started;
  std::fill(counts_.begin(), counts_.end(), 0);
  for (int16_t code : codes_) ++counts_[static_cast<size_t>(code)];
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "codebook counts", absl::MakeSpan(counts_)));
  RefreshLogCounts();
  return absl::OkStatus();
}

void Codebook::TakeCounts(absl::Span<const int64_t> counts) {
  QH_CHECK_EQ(counts.size(), counts_.size());
  started_ = true;
  counts_.assign(counts.begin(), counts.end());
  RefreshLogCounts();
}

void Codebook::RefreshLogCounts() {
  for (size_t m = 0; m < counts_.size(); ++m)
    log_count_[static_cast<int64_t>(m)] = std::log(static_cast<float>(counts_[m]));
}

absl::Status Codebook::Update(const Step& step, TensorView<const float> query) {
  QH_RETURN_IF_ERROR(moments_.Update(step, "codebook queries", query));
  NormaliseQueries(query);
  if (!started_) {
    Collect(step);
    if (num_collected_ < kCandidatesPerCentroid * options_.dims.centroids) return absl::OkStatus();
    QH_RETURN_IF_ERROR(Start(step.comm));
  }
  return AssignAndMove(step);
}

void Codebook::NormaliseQueries(TensorView<const float> query) {
  const int64_t width = query.dim(1);
  z_.Resize({query.dim(0), width});
  for (int64_t r = 0; r < query.dim(0); ++r) {
    for (int64_t c = 0; c < width; ++c)
      z_.row(r)[c] = (query.row(r)[c] - moments_.mean()[c]) * moments_.inv_std()[c];
  }
}

void Codebook::Collect(const Step& step) {
  for (const GlobalId node : step.batch.nodes) {
    const uint64_t order =
        StreamKey(options_.seed, RandomPurpose::kCodebook,
                  static_cast<uint64_t>(step.batch.step) + 1, static_cast<uint64_t>(node.value()));
    candidates_.keys.insert(candidates_.keys.end(), {static_cast<int64_t>(order), node.value()});
  }
  candidates_.queries.insert(candidates_.queries.end(), z_.data(), z_.data() + z_.size());
  num_collected_ += step.batch.global_nodes;
}

absl::StatusOr<Codebook::Candidates> Codebook::GatherCandidates(Communicator& comm) const {
  Candidates all;
  QH_ASSIGN_OR_RETURN(all.keys,
                      GatherOverRanks<int64_t>(comm, "codebook candidates", candidates_.keys));
  QH_ASSIGN_OR_RETURN(all.queries,
                      GatherOverRanks<float>(comm, "codebook candidates", candidates_.queries));
  return all;
}

void Codebook::RestoreCandidates(Rank rank, Candidates all) {
  num_collected_ = all.size();
  candidates_ = rank == Rank(0) ? std::move(all) : Candidates();
}

// The M distinct candidates of least order; too few are repeated with jitter.
absl::Status Codebook::Start(Communicator& comm) {
  const auto width = static_cast<size_t>(options_.dims.query());
  QH_ASSIGN_OR_RETURN(const Candidates all, GatherCandidates(comm));
  std::vector<size_t> order(static_cast<size_t>(all.size()));
  std::iota(order.begin(), order.end(), size_t{0});
  const auto place = [&](size_t i) {
    return std::pair(static_cast<uint64_t>(all.keys[2 * i]), all.keys[2 * i + 1]);
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
  std::vector<uint64_t> seen;
  std::vector<const float*> chosen;
  for (size_t i : order) {
    const float* row = all.queries.data() + i * width;
    const uint64_t hash = Xxh3(row, width * sizeof(float));
    if (std::find(seen.begin(), seen.end(), hash) != seen.end()) continue;
    seen.push_back(hash);
    chosen.push_back(row);
    if (chosen.size() == static_cast<size_t>(options_.dims.centroids)) break;
  }
  for (int64_t m = 0; m < options_.dims.centroids; ++m) {
    const auto i = static_cast<size_t>(m);
    std::copy_n(chosen[i % chosen.size()], width, embedding_.row(m));
    if (i < chosen.size()) continue;
    RandomStream random(options_.seed, RandomPurpose::kCodebook, 0, 3 + static_cast<uint64_t>(m));
    for (size_t c = 0; c < width; ++c)
      embedding_.row(m)[c] += static_cast<float>(kJitter * random.Normal());
  }
  std::copy_n(embedding_.data(), embedding_.size(), sums_.data());
  sizes_.Fill(1.0f);
  candidates_ = {};
  started_ = true;
  return absl::OkStatus();
}

absl::Status Codebook::AssignAndMove(const Step& step) {
  const int64_t centroids = options_.dims.centroids, width = options_.dims.query();
  nearest_.Resize({step.rows()});
  hits_and_sums_.Resize({step.num_owned(), centroids * (1 + width)});
  step.kernels.CodebookAssign(
      {step.slices(), z_.cview(), embedding_.cview(), nearest_.view(), hits_and_sums_.view()});
  moves_.Resize({step.num_owned(), centroids});
  moves_.Fill(0);
  const Slices slices = step.slices();
  for (int64_t p = 0; p < slices.num_partitions(); ++p) {
    for (int64_t r = slices.begin(p); r < slices.end(p); ++r) {
      const int64_t node = step.batch.nodes[static_cast<size_t>(r)].value();
      int16_t& code = codes_[static_cast<size_t>(node - first_node_.value())];
      --moves_.row(p)[code];
      code = nearest_[r];
      ++moves_.row(p)[code];
    }
  }
  const auto span = [](auto& tensor) {
    return absl::MakeSpan(tensor.data(), static_cast<size_t>(tensor.size()));
  };
  QH_RETURN_IF_ERROR(OrderedSum<float>(step.comm, step.owners, "codebook sums",
                                       span(hits_and_sums_), span(total_)));
  QH_RETURN_IF_ERROR(OrderedSum<int64_t>(step.comm, step.owners, "codebook moves", span(moves_),
                                         span(total_moves_)));
  for (size_t m = 0; m < counts_.size(); ++m) counts_[m] += total_moves_[static_cast<int64_t>(m)];
  RefreshLogCounts();
  MoveCentroids();
  RefreshOutput();
  return absl::OkStatus();
}

void Codebook::MoveCentroids() {
  const int64_t centroids = options_.dims.centroids, width = options_.dims.query();
  const double decay = options_.ema_decay;
  const float *hits = total_.data(), *sums = hits + centroids;
  double all = 0;
  for (int64_t m = 0; m < centroids; ++m) {
    sizes_[m] = static_cast<float>(double{sizes_[m]} * decay + (1 - decay) * double{hits[m]});
    all += double{sizes_[m]};
  }
  const double smoothing = all / (all + static_cast<double>(centroids) * kSizeEpsilon);
  for (int64_t m = 0; m < centroids; ++m) {
    sizes_[m] = static_cast<float>((double{sizes_[m]} + kSizeEpsilon) * smoothing);
    for (int64_t c = 0; c < width; ++c) {
      float& sum = sums_.row(m)[c];
      sum = static_cast<float>(double{sum} * decay + (1 - decay) * double{sums[m * width + c]});
      embedding_.row(m)[c] = sum / sizes_[m];
    }
  }
}

void Codebook::RefreshOutput() {
  const TensorView<const float> mean = moments_.running_mean(), var = moments_.running_var();
  for (int64_t c = 0; c < options_.dims.query(); ++c) {
    const float deviation = static_cast<float>(std::sqrt(double{var[c]} + kNormEpsilon));
    for (int64_t m = 0; m < options_.dims.centroids; ++m)
      output_.row(m)[c] = embedding_.row(m)[c] * deviation + mean[c];
  }
}

}  // namespace quadhop
