#include "sampler/cuda/row_table.h"

#include <algorithm>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/memory/staging_buffer.h"
#include "sampler/features/row_copy.h"

namespace quadhop::cuda {
namespace {

static_assert(sizeof(GlobalId) == sizeof(int64_t));  // ids travel as they are
constexpr int64_t kPartBytes = int64_t{64} << 20;

// Fills row i of `to`, which has num_rows rows, with that of node_of(i). In parts, so that the host
// needs little memory for what goes to the device.
template <typename NodeOf>
void FillWithRows(Device& device, const FeatureTable& table, int64_t num_rows,
                  const NodeOf& node_of, ThreadPool& pool, Readable& to) {
  const int64_t row_bytes = table.row_bytes();
  const int64_t part_rows = std::max<int64_t>(1, kPartBytes / row_bytes);
  const auto* all = static_cast<const uint8_t*>(table.data);
  StagingBuffer staging;
  std::vector<const uint8_t*> part;
  for (int64_t first = 0; first < num_rows && device.status().ok(); first += part_rows) {
    const int64_t end = std::min(num_rows, first + part_rows);
    part.clear();
    for (int64_t i = first; i < end; ++i) part.push_back(all + node_of(i) * row_bytes);
    const auto part_bytes = static_cast<size_t>((end - first) * row_bytes);
    auto* const rows = static_cast<uint8_t*>(staging.Reserve(device, part_bytes));
    if (rows == nullptr) return;  // an error of the device
    CopyRows(row_bytes, part, rows, pool);
    to.Fill(static_cast<size_t>(first * row_bytes), rows, part_bytes);
  }
}

}  // namespace

absl::StatusOr<RowTable> RowTable::OnDevice(Device& device, const FeatureTable& table,
                                            ThreadPool& pool) {
  RowTable rows;
  rows.dtype_ = table.dtype;
  rows.row_size_ = table.row_size();
  QH_ASSIGN_OR_RETURN(
      rows.on_device_,
      Readable::OfSize(device, static_cast<size_t>(table.num_nodes * table.row_bytes())));
  FillWithRows(
      device, table, table.num_nodes, [](int64_t i) { return i; }, pool, rows.on_device_);
  QH_RETURN_IF_ERROR(device.status());
  return rows;
}

absl::StatusOr<RowTable> RowTable::WithHotSet(Device& device, const FeatureTable& table,
                                              absl::Span<const GlobalId> hot, ThreadPool& pool) {
  RowTable rows;
  rows.dtype_ = table.dtype;
  rows.row_size_ = table.row_size();
  const auto row_bytes = static_cast<size_t>(table.row_bytes());
  std::vector<int32_t> place(static_cast<size_t>(table.num_nodes), -1);
  QH_CHECK_LE(hot.size(), place.size());
  for (size_t i = 0; i < hot.size(); ++i)
    place[static_cast<size_t>(hot[i].value())] = static_cast<int32_t>(i);
  QH_ASSIGN_OR_RETURN(rows.on_device_, Readable::OfSize(device, hot.size() * row_bytes));
  FillWithRows(
      device, table, static_cast<int64_t>(hot.size()),
      [&](int64_t i) { return hot[static_cast<size_t>(i)].value(); }, pool, rows.on_device_);
  QH_ASSIGN_OR_RETURN(rows.place_,
                      Readable::OnDevice(device, place.data(), place.size() * sizeof(int32_t)));
  QH_ASSIGN_OR_RETURN(
      rows.on_host_,
      Readable::OnHost(table.data, static_cast<size_t>(table.num_nodes) * row_bytes));
  QH_RETURN_IF_ERROR(device.status());
  return rows;
}

void RowTable::Gather(Device& device, const GlobalId* nodes, int64_t num_nodes, float* out) const {
  const ReadableRows rows = {on_device_.data(), static_cast<const int32_t*>(place_.data()),
                             on_host_.data(), row_size_};
  GatherRows(device, rows, dtype_, reinterpret_cast<const int64_t*>(nodes), num_nodes, out);
}

}  // namespace quadhop::cuda
