#include "sampler/features/partitioned_feature_source.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "comm/collectives/operations.h"
#include "core/arrays/tensor.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/threads/parallel_status.h"
#include "sampler/features/row_copy.h"

namespace quadhop {
namespace {

constexpr int64_t kReadBlockRows = 4096;
constexpr int64_t kIdBytes = sizeof(int64_t);

class PartitionedFeatureSource : public FeatureSource {
 public:
  PartitionedFeatureSource(const FeatureTable& shape, FeatureResidence residence, Rank rank)
      : shape_(shape), residence_(std::move(residence)), rank_(static_cast<size_t>(rank.value())) {
    const size_t num_ranks = residence_.rank_offsets.size() - 1;
    asked_.resize(num_ranks);
    places_.resize(num_ranks);
    asked_of_us_.resize(num_ranks);
  }

  absl::Status Load(const RowReader& read, ThreadPool& pool);
  void Connect(std::unique_ptr<Communicator> comm) { comm_ = std::move(comm); }

  int64_t hops_and_self() const override { return shape_.hops_and_self; }
  int64_t width() const override { return shape_.width; }
  bool exchanges() const override { return num_ranks() > 1; }
  absl::Status Fetch(absl::Span<const GlobalId> nodes, ThreadPool& pool) override;
  void Cancel() override { comm_->Cancel(); }
  FeatureTraffic traffic() const override { return traffic_; }

 private:
  absl::Status DoGather(absl::Span<const GlobalId> nodes, TensorView<float> out,
                        ThreadPool& pool) override {
    QH_CHECK_EQ(nodes.size(), rows_.size());
    CopyRowsToFloat(shape_.dtype, shape_.row_size(), rows_, out.data(), pool);
    return absl::OkStatus();
  }

  size_t num_ranks() const { return asked_.size(); }
  int64_t first_own() const { return residence_.rank_offsets[rank_]; }
  int64_t end_own() const { return residence_.rank_offsets[rank_ + 1]; }
  bool IsOwn(int64_t node) const { return node >= first_own() && node < end_own(); }
  const uint8_t* OwnRow(int64_t node) const {
    return own_.data() + (node - first_own()) * shape_.row_bytes();
  }
  size_t OwnerOf(int64_t node) const {
    const auto& offsets = residence_.rank_offsets;
    return static_cast<size_t>(std::upper_bound(offsets.begin(), offsets.end(), node) -
                               offsets.begin()) -
           1;
  }

  void FindRows(absl::Span<const GlobalId> nodes);
  absl::Status ExchangeIds(const std::string& operation);
  absl::Status ExchangeRows(const std::string& operation, ThreadPool& pool);

  const FeatureTable shape_;
  const FeatureResidence residence_;
  const size_t rank_;
  std::unique_ptr<Communicator> comm_;
  Tensor<uint8_t> own_;                               // [own nodes, row_bytes]
  Tensor<uint8_t> hot_;                               // [hot nodes, row_bytes]
  absl::flat_hash_map<int64_t, int64_t> hot_row_of_;  // node -> row of hot_

  std::vector<const uint8_t*> rows_;               // [U]: where each node's row is
  std::vector<std::vector<int64_t>> asked_;        // [R]: nodes asked of each rank
  std::vector<std::vector<size_t>> places_;        // [R]: their places in rows_
  std::vector<std::vector<int64_t>> asked_of_us_;  // [R]: nodes that each rank asks for
  std::vector<const uint8_t*> served_;             // rows to send, by rank
  Tensor<uint8_t> sent_, received_;
  FeatureTraffic traffic_;
  int64_t num_fetches_ = 0;
};

absl::Status PartitionedFeatureSource::Load(const RowReader& read, ThreadPool& pool) {
  const int64_t row_bytes = shape_.row_bytes();
  const auto rows_of = [row_bytes](Tensor<uint8_t>& table, int64_t begin, int64_t end) {
    return absl::Span<uint8_t>(table.data() + begin * row_bytes,
                               static_cast<size_t>((end - begin) * row_bytes));
  };
  own_.Resize({end_own() - first_own(), row_bytes});
  QH_RETURN_IF_ERROR(ParallelForBlocks(pool, own_.dim(0), kReadBlockRows, [&](BlockRange block) {
    return read({first_own() + block.begin, first_own() + block.end},
                rows_of(own_, block.begin, block.end));
  }));
  const auto num_hot = static_cast<int64_t>(residence_.hot_nodes.size());
  hot_.Resize({num_hot, row_bytes});
  hot_row_of_.reserve(residence_.hot_nodes.size());
  for (int64_t i = 0; i < num_hot; ++i)
    hot_row_of_.emplace(residence_.hot_nodes[static_cast<size_t>(i)].value(), i);
  return ParallelForBlocks(pool, num_hot, kReadBlockRows, [&](BlockRange block) {
    for (int64_t i = block.begin; i < block.end; ++i) {
      const int64_t node = residence_.hot_nodes[static_cast<size_t>(i)].value();
      QH_RETURN_IF_ERROR(read({node, node + 1}, rows_of(hot_, i, i + 1)));
    }
    return absl::OkStatus();
  });
}

absl::Status PartitionedFeatureSource::Fetch(absl::Span<const GlobalId> nodes, ThreadPool& pool) {
  FindRows(nodes);
  if (!exchanges()) return absl::OkStatus();
  const std::string operation = FeatureExchange(num_fetches_++);
  QH_RETURN_IF_ERROR(ExchangeIds(operation));
  return ExchangeRows(operation, pool);
}

void PartitionedFeatureSource::FindRows(absl::Span<const GlobalId> nodes) {
  for (size_t r = 0; r < num_ranks(); ++r) {
    asked_[r].clear();
    places_[r].clear();
  }
  rows_.assign(nodes.size(), nullptr);
  traffic_.rows += static_cast<int64_t>(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const int64_t node = nodes[i].value();
    QH_CHECK_LT(node, shape_.num_nodes);
    if (IsOwn(node)) {
      rows_[i] = OwnRow(node);
      continue;
    }
    ++traffic_.remote_rows;
    const auto hot = hot_row_of_.find(node);
    if (hot != hot_row_of_.end()) {
      rows_[i] = hot_.data() + hot->second * shape_.row_bytes();
      ++traffic_.hot_rows;
      continue;
    }
    const size_t owner = OwnerOf(node);
    asked_[owner].push_back(node);
    places_[owner].push_back(i);
  }
}

absl::Status PartitionedFeatureSource::ExchangeIds(const std::string& operation) {
  std::vector<int64_t> counts(num_ranks()), counts_of_us(num_ranks());
  std::vector<Communicator::Message> messages(num_ranks());
  for (size_t r = 0; r < num_ranks(); ++r) {
    counts[r] = static_cast<int64_t>(asked_[r].size());
    messages[r] = {&counts[r], kIdBytes, &counts_of_us[r], kIdBytes};
  }
  QH_RETURN_IF_ERROR(comm_->AllToAllV(absl::StrCat(operation, ", numbers"), messages));
  for (size_t r = 0; r < num_ranks(); ++r) {
    asked_of_us_[r].resize(static_cast<size_t>(counts_of_us[r]));
    messages[r] = {asked_[r].data(), counts[r] * kIdBytes, asked_of_us_[r].data(),
                   counts_of_us[r] * kIdBytes};
  }
  return comm_->AllToAllV(absl::StrCat(operation, ", ids"), messages);
}

absl::Status PartitionedFeatureSource::ExchangeRows(const std::string& operation,
                                                    ThreadPool& pool) {
  const int64_t row_bytes = shape_.row_bytes();
  served_.clear();
  int64_t num_received = 0;
  for (size_t r = 0; r < num_ranks(); ++r) {
    num_received += static_cast<int64_t>(asked_[r].size());
    for (const int64_t node : asked_of_us_[r]) {
      if (!IsOwn(node))
        return absl::InternalError(absl::StrCat(operation, ": rank ", r, " asks rank ", rank_,
                                                " for node ", node, ", but the rank asked owns [",
                                                first_own(), ", ", end_own(),
                                                "): the ranks read different stores"));
      served_.push_back(OwnRow(node));
    }
  }
  sent_.ResizeWithRoom({static_cast<int64_t>(served_.size()) * row_bytes});
  received_.ResizeWithRoom({num_received * row_bytes});
  uint8_t *send = sent_.data(), *receive = received_.data();
  CopyRows(row_bytes, served_, send, pool);
  std::vector<Communicator::Message> messages(num_ranks());
  for (size_t r = 0; r < num_ranks(); ++r) {
    messages[r] = {send, static_cast<int64_t>(asked_of_us_[r].size()) * row_bytes, receive,
                   static_cast<int64_t>(asked_[r].size()) * row_bytes};
    for (const size_t place : places_[r]) {
      rows_[place] = receive;
      receive += row_bytes;
    }
    send += messages[r].send_bytes;
  }
  traffic_.received_bytes += num_received * row_bytes;
  return comm_->AllToAllV(RowsOfExchange(operation), messages);
}

}  // namespace

absl::StatusOr<RowReader> FeatureRowReader(const Store& store) {
  QH_ASSIGN_OR_RETURN(const FeatureTable table, store.features());
  QH_ASSIGN_OR_RETURN(const NpyFile* array, store.array("features.npy"));
  QH_ASSIGN_OR_RETURN(ReadableFile opened, ReadableFile::Open(array->file().path()));
  auto file = std::make_shared<ReadableFile>(std::move(opened));
  return [file, offset = array->header().data_offset, row_bytes = table.row_bytes()](
             BlockRange nodes, absl::Span<uint8_t> rows) {
    return file->ReadAt(offset + nodes.begin * row_bytes, rows);
  };
}

absl::StatusOr<std::unique_ptr<FeatureSource>> MakePartitionedFeatureSource(
    const FeatureTable& shape, FeatureResidence residence, const RowReader& read,
    Communicator& comm, ThreadPool& pool) {
  QH_CHECK_EQ(residence.rank_offsets.size(), static_cast<size_t>(comm.num_ranks()) + 1);
  auto source =
      std::make_unique<PartitionedFeatureSource>(shape, std::move(residence), comm.rank());
  QH_RETURN_IF_ERROR(source->Load(read, pool));
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> own, comm.Duplicate());
  source->Connect(std::move(own));
  return std::unique_ptr<FeatureSource>(std::move(source));
}

}  // namespace quadhop
