#include "partition/import/bytes/byte_source.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/threads/out_of_memory.h"

namespace quadhop {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kMaxQueued = 4;

class MappedSource : public ByteSource {
 public:
  explicit MappedSource(MappedFile file) : file_(std::move(file)) {}
  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    const size_t count = std::min(out.size(), file_.bytes().size() - at_);
    if (count > 0) std::memcpy(out.data(), file_.bytes().data() + at_, count);
    at_ += count;
    return static_cast<int64_t>(count);
  }
  double share_read() const override {
    return static_cast<double>(at_) /
           static_cast<double>(std::max<size_t>(1, file_.bytes().size()));
  }

 private:
  MappedFile file_;
  size_t at_ = 0;
};

class AheadSource : public ByteSource {
 public:
  explicit AheadSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~AheadSource() override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    size_t written = 0;
    while (written < out.size()) {
      if (at_ == block_.size() && !NextBlock()) break;
      const size_t count = std::min(out.size() - written, block_.size() - at_);
      std::memcpy(out.data() + written, block_.data() + at_, count);
      at_ += count;
      written += count;
    }
    // What stood before the fault is handed out first.
    if (written == 0 && !out.empty() && !status_.ok()) return status_;
    return static_cast<int64_t>(written);
  }

 private:
  bool NextBlock() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return done_ || !queue_.empty(); });
    if (queue_.empty()) return false;
    block_ = std::move(queue_.front());
    queue_.pop_front();
    at_ = 0;
    changed_.notify_all();
    return true;
  }

  void Run() {
    const absl::Status status = OrOutOfMemory("reading ahead", [this] { return ReadBlocks(); });
    const std::lock_guard<std::mutex> lock(mutex_);
    status_ = status;
    done_ = true;
    changed_.notify_all();
  }

  // To the end, or until nobody wants more.
  absl::Status ReadBlocks() {
    for (size_t count = kBlockBytes; count == kBlockBytes;) {
      std::vector<char> block(kBlockBytes);
      QH_ASSIGN_OR_RETURN(const int64_t num_read, source_->Read(absl::MakeSpan(block)));
      count = static_cast<size_t>(num_read);
      block.resize(count);
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || queue_.size() < kMaxQueued; });
      if (stop_) break;
      if (!block.empty()) queue_.push_back(std::move(block));
      changed_.notify_all();
    }
    return absl::OkStatus();
  }

  std::unique_ptr<ByteSource> source_;
  std::vector<char> block_;  // being handed out
  size_t at_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::vector<char>> queue_;
  bool stop_ = false;
  bool done_ = false;
  absl::Status status_;  // fixed once done_
  std::thread thread_;
};

}  // namespace

std::unique_ptr<ByteSource> ReadMapped(MappedFile file) {
  return std::make_unique<MappedSource>(std::move(file));
}

std::unique_ptr<ByteSource> ReadAhead(std::unique_ptr<ByteSource> source) {
  return std::make_unique<AheadSource>(std::move(source));
}

}  // namespace quadhop
