#include "model/layers/codebook.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "comm/collectives/gather.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/files/checksum.h"

namespace quadhop {
namespace {

constexpr double kJitter = 0.01;  // standard deviation, in units of normalised queries

}  // namespace

Codebook::Codebook(const LargeGTOptions& options, GlobalId first_node, Kernels& kernels)
    : options_(options),
      first_node_(first_node),
      kernels_(&kernels),
      moments_(options.dims.query(), kernels.memory()) {
  Memory& memory = kernels.memory();
  const int64_t centroids = options.dims.centroids, width = options.dims.query();
  for (Array<float>* a : {&embedding_, &output_, &sums_}) a->Resize(memory, {centroids, width});
  for (Array<float>* a : {&sizes_, &log_count_}) a->Resize(memory, {centroids});
  counts_.Resize(memory, {centroids});
  total_.Resize(memory, {centroids * (1 + width)});
  total_moves_.Resize(memory, {centroids});
  uint64_t stream = 0;
  for (Array<float>* a : {&embedding_, &output_, &sums_}) {
    RandomStream random(options.seed, RandomPurpose::kCodebook, 0, stream++);
    std::vector<float> values(static_cast<size_t>(a->size()));
    for (float& value : values) value = static_cast<float>(random.Normal());
    ToArray<float>(memory, values, a->view());
  }
  started_ = options.codebook_start == CodebookStart::kPaper;
}

absl::StatusOr<Codebook> Codebook::Create(const LargeGTOptions& options, GlobalId first_node,
                                          absl::Span<const int64_t> owned_original_ids,
                                          Communicator& comm, Kernels& kernels) {
  Codebook book(options, first_node, kernels);
  std::vector<int16_t> codes;
  codes.reserve(owned_original_ids.size());
  for (int64_t id : owned_original_ids) {
    const uint64_t hash =
        StreamKey(options.seed, RandomPurpose::kInitialCode, 0, static_cast<uint64_t>(id));
    codes.push_back(static_cast<int16_t>(hash % static_cast<uint64_t>(options.dims.centroids)));
  }
  book.codes_.Resize(kernels.memory(), {static_cast<int64_t>(codes.size())});
  book.SetCodes(codes);
  QH_RETURN_IF_ERROR(book.RecountCodes(comm, book.started_));
  return book;
}

void Codebook::SetCodes(absl::Span<const int16_t> codes) {
  ToArray(kernels_->memory(), codes, codes_.view());
}

void Codebook::UndoCodes(absl::Span<const GlobalId> nodes) {
  std::vector<int16_t> all = codes();
  const TensorView<const int16_t> of_nodes(replaced_.data(), {static_cast<int64_t>(nodes.size())});
  const std::vector<int16_t> replaced = ToHost(kernels_->memory(), of_nodes);
  for (size_t i = 0; i < nodes.size(); ++i)
    all[static_cast<size_t>(nodes[i].value() - first_node_.value())] = replaced[i];
  SetCodes(all);
}

absl::Status Codebook::Undo(Communicator& comm, const Progress& before,
                            absl::Span<const GlobalId> nodes) {
  if (started_) UndoCodes(nodes);
  num_collected_ = before.num_collected;
  candidates_.keys.resize(2 * static_cast<size_t>(before.num_candidates));
  candidates_.queries.resize(static_cast<size_t>(before.num_candidates * options_.dims.query()));
  return RecountCodes(comm, before.started);
}

absl::Status Codebook::RecountCodes(Communicator& comm, bool started) {
  started_ = started;
  std::vector<int64_t> counts(static_cast<size_t>(num_centroids()));
  for (int16_t code : codes()) ++counts[static_cast<size_t>(code)];
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "codebook counts", absl::MakeSpan(counts)));
  SetCounts(counts);
  return kernels_->memory().status();
}

void Codebook::TakeCounts(absl::Span<const int64_t> counts) {
  started_ = true;
  SetCounts(counts);
}

void Codebook::SetCounts(absl::Span<const int64_t> counts) {
  ToArray(kernels_->memory(), counts, counts_.view());
  kernels_->CodebookCount({}, counts_.view(), log_count_.view());
}

void Codebook::StartUpdate(const Step& step, TensorView<const float> query) {
  moments_.Start(step, "codebook queries", query);
}

absl::Status Codebook::Assign(const Step& step, TensorView<const float> query) {
  QH_RETURN_IF_ERROR(moments_.Finish(step));
  z_.Resize(step.memory(), {query.dim(0), query.dim(1)});
  step.kernels.Standardise(query, moments_.mean(), moments_.inv_std(), z_.view());
  if (started_) {
    candidates_ = {};
  } else {
    Collect(step);
    if (num_collected_ < QueriesToStart(options_.dims.centroids)) return absl::OkStatus();
    QH_RETURN_IF_ERROR(Start(step.comm));
  }
  const int64_t centroids = options_.dims.centroids, width = options_.dims.query();
  Memory& memory = step.memory();
  nearest_.Resize(memory, {step.rows()});
  replaced_.Resize(memory, {step.rows()});
  hits_and_sums_.Resize(memory, {step.num_owned(), centroids * (1 + width)});
  moves_.Resize(memory, {step.num_owned(), centroids});
  step.kernels.CodebookAssign(
      {step.slices(), z_.cview(), embedding_.cview(), nearest_.view(), hits_and_sums_.view()});
  step.kernels.CodebookRecode({step.slices(), step.arrays.nodes(), first_node_, nearest_.cview(),
                               codes_.view(), replaced_.view(), moves_.view()});
  step.StartSum("codebook sums", hits_and_sums_, total_.view());
  step.StartSum("codebook moves", moves_, total_moves_.view());
  return absl::OkStatus();
}

void Codebook::Move(const Step& step) {
  if (!started_) return;
  Kernels& kernels = step.kernels;
  kernels.CodebookCount(total_moves_.cview(), counts_.view(), log_count_.view());
  kernels.CodebookMove(
      {options_.ema_decay, total_.cview(), sizes_.view(), sums_.view(), embedding_.view()});
  kernels.CodebookOutput(embedding_.cview(), moments_.running_mean(), moments_.running_var(),
                         output_.view());
}

void Codebook::Collect(const Step& step) {
  for (const GlobalId node : step.batch.nodes) {
    const uint64_t order =
        StreamKey(options_.seed, RandomPurpose::kCodebook,
                  static_cast<uint64_t>(step.batch.step) + 1, static_cast<uint64_t>(node.value()));
    candidates_.keys.insert(candidates_.keys.end(), {static_cast<int64_t>(order), node.value()});
  }
  const std::vector<float> z = ToHost(step.memory(), z_.view());
  candidates_.queries.insert(candidates_.queries.end(), z.begin(), z.end());
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

// Chooses the M distinct candidates of lowest order; if there are too few, they are repeated with
// jitter.
absl::Status Codebook::Start(Communicator& comm) {
  const auto width = static_cast<size_t>(options_.dims.query());
  QH_ASSIGN_OR_RETURN(const Candidates all, GatherCandidates(comm));
  std::vector<size_t> order(static_cast<size_t>(all.size()));
  std::iota(order.begin(), order.end(), size_t{0});
  const auto place = [&](size_t i) {
    return std::pair(static_cast<uint64_t>(all.keys[2 * i]), all.keys[2 * i + 1]);
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
  absl::flat_hash_set<uint64_t> seen;
  std::vector<const float*> chosen;
  for (size_t i : order) {
    const float* row = all.queries.data() + i * width;
    if (!seen.insert(Xxh3(row, width * sizeof(float))).second) continue;
    chosen.push_back(row);
    if (chosen.size() == static_cast<size_t>(options_.dims.centroids)) break;
  }
  const auto centroids = static_cast<size_t>(num_centroids());
  std::vector<float> embedding;
  for (size_t m = 0; m < centroids; ++m) {
    const float* row = chosen[m % chosen.size()];
    embedding.insert(embedding.end(), row, row + width);
    if (m < chosen.size()) continue;
    RandomStream random(options_.seed, RandomPurpose::kCodebook, 0, 3 + m);
    for (size_t c = 0; c < width; ++c)
      embedding[m * width + c] += static_cast<float>(kJitter * random.Normal());
  }
  Memory& memory = kernels_->memory();
  ToArray<float>(memory, embedding, embedding_.view());
  ToArray<float>(memory, embedding, sums_.view());
  ToArray<float>(memory, std::vector<float>(centroids, 1.0f), sizes_.view());
  started_ = true;
  return absl::OkStatus();
}

}  // namespace quadhop
