#include "comm/collectives/staged_communicator.h"

#include <cstring>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/memory/staging_buffer.h"

namespace quadhop {
namespace {

// A buffer that is handed out in pieces.
class Staging {
 public:
  explicit Staging(Memory& memory) : memory_(memory) {}

  // From now on, pieces of `bytes` bytes in all can be taken; those taken before are gone.
  void Begin(int64_t bytes) {
    next_ = static_cast<uint8_t*>(buffer_.Reserve(memory_, static_cast<size_t>(bytes)));
  }
  uint8_t* Take(int64_t bytes) { return std::exchange(next_, next_ + bytes); }

 private:
  Memory& memory_;
  StagingBuffer buffer_;
  uint8_t* next_ = nullptr;
};

class StagedCommunicator final : public Communicator {
 public:
  static absl::StatusOr<std::unique_ptr<Communicator>> Make(Communicator& host, Memory& memory) {
    QH_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> own, host.Duplicate());
    QH_ASSIGN_OR_RETURN(std::unique_ptr<Memory> stream, memory.NewStream());
    return std::unique_ptr<Communicator>(new StagedCommunicator(std::move(own), std::move(stream)));
  }

  Rank rank() const override { return host_->rank(); }
  int32_t num_ranks() const override { return host_->num_ranks(); }
  void Abort(absl::string_view why) override { host_->Abort(why); }
  void Cancel() override { host_->Cancel(); }

 protected:
  absl::Status DoAllToAllV(absl::string_view operation,
                           absl::Span<const Message> messages) override {
    int64_t bytes = 0;
    for (const Message& m : messages) bytes += m.send_bytes + m.receive_bytes;
    staging_.Begin(bytes);
    QH_RETURN_IF_ERROR(memory_->status());
    std::vector<Message> on_host(messages.begin(), messages.end());
    for (size_t r = 0; r < messages.size(); ++r) {
      const Message& m = messages[r];
      if (m.send_bytes > 0 && memory_->Holds(m.send)) on_host[r].send = Downloaded(messages, r);
      if (m.receive_bytes > 0 && memory_->Holds(m.receive))
        on_host[r].receive = staging_.Take(m.receive_bytes);
    }
    QH_RETURN_IF_ERROR(memory_->status());
    QH_RETURN_IF_ERROR(host_->AllToAllV(operation, on_host));
    for (size_t r = 0; r < messages.size(); ++r)
      if (on_host[r].receive != messages[r].receive)
        memory_->UploadAsync(on_host[r].receive, static_cast<size_t>(messages[r].receive_bytes),
                             messages[r].receive);
    return memory_->Synchronize();
  }

  absl::Status DoAllReduceSum(absl::string_view operation, absl::Span<float> values) override {
    if (values.empty() || !memory_->Holds(values.data()))
      return host_->AllReduceSum(operation, values);
    const size_t bytes = values.size() * sizeof(float);
    staging_.Begin(static_cast<int64_t>(bytes));
    QH_RETURN_IF_ERROR(memory_->status());
    auto* on_host = reinterpret_cast<float*>(staging_.Take(static_cast<int64_t>(bytes)));
    memory_->Download(values.data(), bytes, on_host);
    QH_RETURN_IF_ERROR(memory_->status());
    QH_RETURN_IF_ERROR(host_->AllReduceSum(operation, {on_host, values.size()}));
    memory_->Upload(on_host, bytes, values.data());
    return memory_->status();
  }

  absl::StatusOr<std::unique_ptr<Communicator>> DoDuplicate() override {
    return Make(*host_, *memory_);
  }

 private:
  StagedCommunicator(std::unique_ptr<Communicator> host, std::unique_ptr<Memory> memory)
      : host_(std::move(host)), memory_(std::move(memory)), staging_(*memory_) {}

  // What is to be sent to rank r, on the host. Often all ranks are sent the same data, which is
  // copied once.
  const void* Downloaded(absl::Span<const Message> messages, size_t r) {
    const Message& m = messages[r];
    if (r > 0 && messages[r - 1].send == m.send && messages[r - 1].send_bytes == m.send_bytes)
      return last_sent_;
    uint8_t* copy = staging_.Take(m.send_bytes);
    memory_->Download(m.send, static_cast<size_t>(m.send_bytes), copy);
    return last_sent_ = copy;
  }

  const std::unique_ptr<Communicator> host_;
  const std::unique_ptr<Memory> memory_;
  Staging staging_;
  const void* last_sent_ = nullptr;  // in this exchange
};

}  // namespace

absl::StatusOr<std::unique_ptr<Communicator>> MakeStagedCommunicator(Communicator& host,
                                                                     Memory& memory) {
  return StagedCommunicator::Make(host, memory);
}

}  // namespace quadhop
