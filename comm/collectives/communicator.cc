#include "comm/collectives/communicator.h"

#include <numeric>
#include <utility>

#include "comm/collectives/even_chunk.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"

namespace quadhop {
namespace {

constexpr int64_t kFloatBytes = sizeof(float);

// Sums rows [num_rows, n], in row order, into row 0.
void AddRowsToFirst(std::vector<float>& rows, int32_t num_rows, int64_t n) {
  float* __restrict first = rows.data();
  for (int32_t r = 1; r < num_rows; ++r) {
    const float* __restrict row = rows.data() + r * n;
    for (int64_t i = 0; i < n; ++i) first[i] += row[i];
  }
}

}  // namespace

absl::Status Communicator::Keep(absl::Status status) {
  if (!status.ok() && broken_.ok()) broken_ = status;
  return status;
}

absl::Status Communicator::Run(absl::FunctionRef<absl::Status()> call) {
  const Stopwatch watch;
  absl::Status status = call();
  time_taken_ += watch.Elapsed();
  return Keep(std::move(status));
}

absl::Status Communicator::CheckMessages(absl::string_view operation,
                                         absl::Span<const Message> messages) const {
  if (messages.size() != static_cast<size_t>(num_ranks()))
    return absl::InvalidArgumentError(absl::StrCat(operation, ": ", messages.size(),
                                                   " messages for ", num_ranks(),
                                                   " ranks; pass one for each rank"));
  for (size_t r = 0; r < messages.size(); ++r) {
    const Message& m = messages[r];
    if (m.send_bytes < 0 || m.receive_bytes < 0)
      return absl::InvalidArgumentError(
          absl::StrCat(operation, ": rank ", rank().value(), " would send ", m.send_bytes,
                       " bytes to and receive ", m.receive_bytes, " from rank ", r,
                       "; sizes must not be negative"));
    if ((m.send == nullptr && m.send_bytes > 0) || (m.receive == nullptr && m.receive_bytes > 0))
      return absl::InvalidArgumentError(
          absl::StrCat(operation, ": no buffer for the message with rank ", r));
  }
  const Message& own = messages[static_cast<size_t>(rank().value())];
  if (own.send_bytes != own.receive_bytes)
    return absl::InvalidArgumentError(absl::StrCat(operation, ": rank ", rank().value(),
                                                   " sends itself ", own.send_bytes,
                                                   " bytes but expects ", own.receive_bytes));
  return absl::OkStatus();
}

absl::Status Communicator::AllToAllV(absl::string_view operation,
                                     absl::Span<const Message> messages) {
  QH_RETURN_IF_ERROR(broken_);
  // A rank that returns without taking part is out of step with its peers, hence broken as well.
  QH_RETURN_IF_ERROR(Keep(CheckMessages(operation, messages)));
  return Run([&] { return DoAllToAllV(operation, messages); });
}

absl::Status Communicator::AllReduceSum(absl::string_view operation, absl::Span<float> values) {
  QH_RETURN_IF_ERROR(broken_);
  return Run([&] { return DoAllReduceSum(operation, values); });
}

absl::Status Communicator::DoAllReduceSum(absl::string_view operation, absl::Span<float> values) {
  const int32_t num_ranks = this->num_ranks();
  const auto begin = [&](int32_t r) {
    return EvenChunkBegin(static_cast<int64_t>(values.size()), num_ranks, r);
  };
  const int32_t own = rank().value();
  const int64_t own_size = begin(own + 1) - begin(own);
  std::vector<float> parts(static_cast<size_t>(num_ranks * own_size));  // [R, own_size]
  std::vector<Message> messages(static_cast<size_t>(num_ranks));
  for (int32_t r = 0; r < num_ranks; ++r)
    messages[static_cast<size_t>(r)] = {values.data() + begin(r),
                                        (begin(r + 1) - begin(r)) * kFloatBytes,
                                        parts.data() + r * own_size, own_size * kFloatBytes};
  QH_RETURN_IF_ERROR(DoAllToAllV(operation, messages));
  AddRowsToFirst(parts, num_ranks, own_size);
  for (int32_t r = 0; r < num_ranks; ++r)
    messages[static_cast<size_t>(r)] = {parts.data(), own_size * kFloatBytes,
                                        values.data() + begin(r),
                                        (begin(r + 1) - begin(r)) * kFloatBytes};
  return DoAllToAllV(operation, messages);
}

absl::Status Communicator::Broadcast(absl::string_view operation, Rank root,
                                     absl::Span<uint8_t> bytes) {
  QH_RETURN_IF_ERROR(broken_);
  if (root.value() < 0 || root.value() >= num_ranks())
    return Keep(absl::InvalidArgumentError(
        absl::StrCat(operation, ": root ", root.value(), " is not in [0, ", num_ranks(), ")")));
  const int64_t num_bytes = static_cast<int64_t>(bytes.size());
  std::vector<Message> messages(static_cast<size_t>(num_ranks()));
  if (rank() == root) {
    for (Message& m : messages) m = {bytes.data(), num_bytes, nullptr, 0};
    messages[static_cast<size_t>(root.value())] = {};
  } else {
    messages[static_cast<size_t>(root.value())] = {nullptr, 0, bytes.data(), num_bytes};
  }
  return Run([&] { return DoAllToAllV(operation, messages); });
}

absl::Status Communicator::AllGatherV(absl::string_view operation, absl::Span<const uint8_t> mine,
                                      absl::Span<const int64_t> received_bytes,
                                      absl::Span<uint8_t> received) {
  QH_RETURN_IF_ERROR(broken_);
  const int64_t total = std::accumulate(received_bytes.begin(), received_bytes.end(), int64_t{0});
  if (received_bytes.size() != static_cast<size_t>(num_ranks()) ||
      total != static_cast<int64_t>(received.size()))
    return Keep(absl::InvalidArgumentError(absl::StrCat(
        operation, ": ", received_bytes.size(), " sizes, ", total, " bytes in all, for ",
        num_ranks(), " ranks and a buffer of ", received.size(), " bytes; these must be equal")));
  std::vector<Message> messages(static_cast<size_t>(num_ranks()));
  int64_t offset = 0;
  for (size_t r = 0; r < messages.size(); ++r) {
    messages[r] = {mine.data(), static_cast<int64_t>(mine.size()), received.data() + offset,
                   received_bytes[r]};
    offset += received_bytes[r];
  }
  return AllToAllV(operation, messages);
}

absl::Status Communicator::Barrier(absl::string_view operation) {
  QH_RETURN_IF_ERROR(broken_);
  const std::vector<Message> messages(static_cast<size_t>(num_ranks()));
  return Run([&] { return DoAllToAllV(operation, messages); });
}

absl::StatusOr<std::unique_ptr<Communicator>> Communicator::Duplicate() {
  QH_RETURN_IF_ERROR(broken_);
  absl::StatusOr<std::unique_ptr<Communicator>> duplicate = DoDuplicate();
  QH_RETURN_IF_ERROR(Keep(duplicate.status()));
  return duplicate;
}

std::unique_ptr<Communicator> MakeSoloCommunicator() {
  return std::move(MakeThreadCommunicators(1, absl::InfiniteDuration()).front());
}

}  // namespace quadhop
