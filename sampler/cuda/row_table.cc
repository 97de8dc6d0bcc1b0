#include "sampler/cuda/row_table.h"

#include <algorithm>
#include <vector>

#include "core/check.h"
#include "core/status.h"
#include "sampler/row_copy.h"

namespace quadhop::cuda {
namespace {

static_assert(sizeof(GlobalId) == sizeof(int64_t));  // ids travel as they are

}  // namespace

absl::StatusOr<RowTable> RowTable::OnDevice(Device& device, const FeatureTable& table) {
  RowTable rows;
  rows.dtype_ = table.dtype;
  rows.row_size_ = table.row_size();
  QH_ASSIGN_OR_RETURN(rows.on_device_,
                      Readable::OnDevice(device, table.data,
                                         static_cast<size_t>(table.num_nodes * table.row_bytes())));
  return rows;
}

absl::StatusOr<RowTable> RowTable::WithHotSet(Device& device, const FeatureTable& table,
                                              absl::Span<const GlobalId> hot, ThreadPool& pool) {
  RowTable rows;
  rows.dtype_ = table.dtype;
  rows.row_size_ = table.row_size();
  const auto row_bytes = static_cast<size_t>(table.row_bytes());
  const auto* all = static_cast<const uint8_t*>(table.data);
  std::vector<int32_t> place(static_cast<size_t>(table.num_nodes), -1);
  QH_CHECK_LE(hot.size(), place.size());
  QH_ASSIGN_OR_RETURN(rows.on_device_, Readable::OfSize(device, hot.size() * row_bytes));
  // In parts, so that the host needs little memory for what goes to the device.
  const size_t part_rows = std::max<size_t>(1, (size_t{64} << 20) / row_bytes);
  std::vector<uint8_t> part;
  std::vector<const uint8_t*> part_of_table;
  for (size_t first = 0; first < hot.size(); first += part_rows) {
    const size_t count = std::min(part_rows, hot.size() - first);
    part.resize(count * row_bytes);
    part_of_table.clear();
    for (size_t i = 0; i < count; ++i) {
      const auto node = static_cast<size_t>(hot[first + i].value());
      place[node] = static_cast<int32_t>(first + i);
      part_of_table.push_back(all + node * row_bytes);
    }
    CopyRows(table.row_bytes(), part_of_table, part.data(), pool);
    rows.on_device_.Fill(first * row_bytes, part.data(), part.size());
  }
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
