#include "partition/import/text/text_chunks.h"

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
#include "core/threads/parallel_status.h"
#include "partition/import/text/text_source.h"

namespace quadhop {
namespace {

// The place of its '\n', or npos. Blank lines after it stay with what follows: they may be the end
// of the file.
size_t EndOfLastFullLine(const std::string& text) {
  const size_t line_break = text.rfind('\n');
  if (line_break == std::string::npos) return std::string::npos;
  const size_t last = text.find_last_not_of("\r\n", line_break);
  return last == std::string::npos ? std::string::npos : text.find('\n', last);
}

// std::count adds up in 64 bits, eight times as wide as need be.
int64_t CountLines(const std::string& text) {
  constexpr size_t kMostAtOnce = 255;  // that a byte can count
  constexpr size_t kLanes = 64;
  const size_t whole = text.size() / kLanes;
  int64_t lines = 0;
  for (size_t begin = 0; begin < whole; begin += kMostAtOnce) {
    uint8_t counts[kLanes] = {};
    for (size_t i = begin; i < std::min(whole, begin + kMostAtOnce); ++i)
      for (size_t lane = 0; lane < kLanes; ++lane)
        counts[lane] = static_cast<uint8_t>(counts[lane] + (text[i * kLanes + lane] == '\n'));
    for (const uint8_t count : counts) lines += count;
  }
  return lines + std::count(text.begin() + static_cast<int64_t>(whole * kLanes), text.end(), '\n');
}

// Cuts the text of a source at line ends.
class Cutter {
 public:
  Cutter(std::unique_ptr<ByteSource> source, std::string path)
      : source_(std::move(source)), path_(std::move(path)) {}

  // An empty chunk at the end of the file. `used` is the text of an earlier chunk, or empty: its
  // memory is used again, since new pages cost more than what is written to them.
  absl::StatusOr<TextChunk> Next(std::string used) {
    TextChunk chunk;
    chunk.first_line = next_line_;
    chunk.text = std::move(used);
    if (chunk.text.size() < carry_.size()) chunk.text.resize(carry_.size());
    std::copy(carry_.begin(), carry_.end(), chunk.text.begin());
    filled_ = carry_.size();
    carry_.clear();
    size_t end = std::string::npos;  // of the last whole line
    while (end == std::string::npos && !at_end_) {
      QH_RETURN_IF_ERROR(Fill(&chunk.text));
      end = EndOfLastFullLine(chunk.text);
    }
    chunk.text.resize(filled_);
    if (at_end_) {
      while (!chunk.text.empty() && (chunk.text.back() == '\n' || chunk.text.back() == '\r'))
        chunk.text.pop_back();
      if (!chunk.text.empty()) chunk.text.push_back('\n');
    } else {
      carry_.assign(chunk.text, end + 1);
      chunk.text.resize(end + 1);
    }
    chunk.num_lines = CountLines(chunk.text);
    chunk.share_read = source_->share_read();
    next_line_ += chunk.num_lines;
    return chunk;
  }

 private:
  absl::Status Fill(std::string* text) {
    const size_t kept = filled_;
    if (static_cast<int64_t>(kept) > TextChunks::kMaxLineBytes)
      return absl::InvalidArgumentError(
          absl::StrCat(path_, " line ", next_line_ + 1, " is longer than ",
                       TextChunks::kMaxLineBytes >> 20, " MB: is this a text file of rows?"));
    // A line longer than a chunk: read twice as much each time.
    const size_t wanted = std::max(static_cast<size_t>(TextChunks::kChunkBytes), kept);
    text->resize(kept + wanted);
    QH_ASSIGN_OR_RETURN(const int64_t count,
                        source_->Read(absl::MakeSpan(text->data() + kept, wanted)));
    text->resize(kept + static_cast<size_t>(count));
    filled_ = text->size();
    at_end_ = static_cast<size_t>(count) < wanted;
    return absl::OkStatus();
  }

  std::unique_ptr<ByteSource> source_;
  std::string path_;
  std::string carry_;  // the beginning of the next chunk
  size_t filled_ = 0;  // of the chunk's text
  int64_t next_line_ = 0;
  bool at_end_ = false;
};

}  // namespace

// Runs a Cutter on a thread of its own, ahead of the parsers by a bounded number of chunks.
class TextChunks::Reader {
 public:
  explicit Reader(Cutter cutter) : cutter_(std::move(cutter)) {}
  ~Reader() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  // Without the thread; only before Start.
  absl::StatusOr<TextChunk> First() { return cutter_.Next({}); }

  void Start(size_t max_queued) {
    max_queued_ = max_queued;
    thread_ = std::thread([this] { Run(); });
  }

  // Waits for up to max_queued chunks and appends them; false if the file ended before (see
  // status()).
  bool Take(std::vector<TextChunk>* chunks) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return done_ || queue_.size() >= max_queued_; });
    while (!queue_.empty()) {
      chunks->push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    changed_.notify_all();
    return !done_;
  }
  // A chunk that is done with, whose memory may serve another.
  void GiveBack(TextChunk chunk) {
    std::lock_guard<std::mutex> lock(mutex_);
    used_.push_back(std::move(chunk.text));
  }
  const absl::Status& status() const { return status_; }  // after Take returned false

 private:
  void Run() {
    while (true) {
      absl::StatusOr<TextChunk> chunk = OrOutOfMemory("reading text: use fewer --threads",
                                                      [&] { return cutter_.Next(UsedText()); });
      std::unique_lock<std::mutex> lock(mutex_);
      if (!chunk.ok() || chunk->text.empty()) {
        status_ = chunk.status();
        done_ = true;
        changed_.notify_all();
        return;
      }
      queue_.push_back(*std::move(chunk));
      changed_.notify_all();
      changed_.wait(lock, [this] { return stop_ || queue_.size() < max_queued_; });
      if (stop_) return;
    }
  }

  std::string UsedText() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (used_.empty()) return {};
    std::string text = std::move(used_.back());
    used_.pop_back();
    return text;
  }

  Cutter cutter_;
  size_t max_queued_ = 1;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TextChunk> queue_;
  std::vector<std::string> used_;
  bool stop_ = false;
  bool done_ = false;
  absl::Status status_;
};

TextChunks::TextChunks() = default;
TextChunks::~TextChunks() = default;

absl::StatusOr<std::unique_ptr<TextChunks>> TextChunks::Open(const std::string& path) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, OpenText(path));
  std::unique_ptr<TextChunks> chunks(new TextChunks());
  chunks->path_ = path;
  chunks->reader_ = std::make_unique<Reader>(Cutter(std::move(source), path));
  QH_ASSIGN_OR_RETURN(chunks->first_, chunks->reader_->First());
  return chunks;
}

absl::string_view TextChunks::first_line() const {
  absl::string_view line(first_.text);
  line = line.substr(0, line.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

absl::StatusOr<int64_t> TextChunks::ForEach(
    ThreadPool& pool, const std::function<absl::Status(const TextChunk&, int)>& body) {
  reader_->Start(static_cast<size_t>(pool.num_threads()));  // equal chunks: one for each
  std::vector<TextChunk> batch;
  if (!first_.text.empty()) batch.push_back(std::move(first_));
  int64_t num_lines = 0;
  for (bool more = true; more || !batch.empty();) {
    QH_RETURN_IF_ERROR(ParallelForStatus(
        pool, static_cast<int64_t>(batch.size()),
        [&](int64_t item, int worker) { return body(batch[static_cast<size_t>(item)], worker); }));
    for (TextChunk& chunk : batch) {
      num_lines += chunk.num_lines;
      text_bytes_ += static_cast<int64_t>(chunk.text.size());
      reader_->GiveBack(std::move(chunk));
    }
    batch.clear();
    if (more) more = reader_->Take(&batch);
  }
  QH_RETURN_IF_ERROR(reader_->status());
  return num_lines;
}

}  // namespace quadhop
