#include "comm/mpi/mpi_exchange.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "comm/collectives/backoff.h"
#include "comm/collectives/collective_errors.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

// Below every transport's eager limit, so that a short message never waits for its receiver.
constexpr int64_t kShortBytes = 1024;
constexpr int64_t kKeptBytes = int64_t{1} << 20;
constexpr int64_t kKeptChunkBytes = 60'000;  // below TCP's eager limit, 64 KiB with headers
constexpr int kShortTag = 0;
constexpr int kSizeTag = 1;
constexpr int kChunkTag = 2;

}  // namespace

MpiExchange::MpiExchange(MPI_Comm comm, int32_t num_ranks, absl::string_view operation,
                         int64_t chunk_bytes)
    : comm_(comm),
      operation_(operation),
      chunk_bytes_(chunk_bytes),
      sent_sizes_(static_cast<size_t>(num_ranks)),
      received_sizes_(static_cast<size_t>(num_ranks)) {}

MpiExchange::~MpiExchange() { TakeBack(); }

absl::Status MpiExchange::Receive(int32_t peer, void* data, int64_t num_bytes) {
  const Post post{peer, Post::kFirstReceive, static_cast<char*>(data), num_bytes};
  if (num_bytes <= kShortBytes) return StartReceive(post, data, num_bytes, MPI_ANY_TAG);
  int64_t& size = received_sizes_[static_cast<size_t>(peer)];
  return StartReceive(post, &size, sizeof(size), MPI_ANY_TAG);
}

absl::Status MpiExchange::Send(int32_t peer, const void* data, int64_t num_bytes) {
  if (num_bytes <= kShortBytes) return StartSend(peer, data, num_bytes, kShortTag);
  int64_t& size = sent_sizes_[static_cast<size_t>(peer)];
  size = num_bytes;
  QH_RETURN_IF_ERROR(StartSend(peer, &size, sizeof(size), kSizeTag));
  const int64_t chunk_bytes = ChunkBytes(num_bytes);
  for (int64_t begin = 0; begin < num_bytes; begin += chunk_bytes)
    QH_RETURN_IF_ERROR(StartSend(peer, static_cast<const char*>(data) + begin,
                                 std::min(chunk_bytes, num_bytes - begin), kChunkTag));
  return absl::OkStatus();
}

absl::Status MpiExchange::Wait(absl::Duration deadline, const std::atomic<bool>& cancelled) {
  const Backoff backoff(deadline);
  while (num_pending_ > 0) {
    int num_done = 0;
    QH_RETURN_IF_ERROR(Progress(num_done));
    if (num_done > 0) continue;
    if (cancelled) return GaveUpError(operation_);
    if (backoff.Expired()) return SilenceError(deadline);
    backoff.Pause();
  }
  return absl::OkStatus();
}

int64_t MpiExchange::ChunkBytes(int64_t message_bytes) const {
  return message_bytes <= kKeptBytes ? std::min(chunk_bytes_, kKeptChunkBytes) : chunk_bytes_;
}

absl::Status MpiExchange::StartReceive(const Post& post, void* data, int64_t num_bytes, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  QH_RETURN_IF_ERROR(MpiStatus(
      MPI_Irecv(data, static_cast<int>(num_bytes), MPI_BYTE, post.peer, tag, comm_, &request),
      "MPI_Irecv"));
  Add(request, post);
  return absl::OkStatus();
}

absl::Status MpiExchange::StartSend(int32_t peer, const void* data, int64_t num_bytes, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  QH_RETURN_IF_ERROR(
      MpiStatus(MPI_Isend(data, static_cast<int>(num_bytes), MPI_BYTE, peer, tag, comm_, &request),
                "MPI_Isend"));
  Add(request, {peer, Post::kSend, nullptr, num_bytes});
  return absl::OkStatus();
}

void MpiExchange::Add(MPI_Request request, const Post& post) {
  requests_.push_back(request);
  posts_.push_back(post);
  ++num_pending_;
}

absl::Status MpiExchange::Progress(int& num_done) {
  done_.resize(requests_.size());
  statuses_.resize(requests_.size());
  const int code = MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &num_done,
                                done_.data(), statuses_.data());
  if (code != MPI_SUCCESS && code != MPI_ERR_IN_STATUS) return MpiStatus(code, "MPI_Testsome");
  for (size_t i = 0; i < static_cast<size_t>(num_done); ++i) {
    // Only set when some request failed.
    const int error = code == MPI_SUCCESS ? MPI_SUCCESS : statuses_[i].MPI_ERROR;
    const Post post = posts_[static_cast<size_t>(done_[i])];
    --num_pending_;
    QH_RETURN_IF_ERROR(Complete(post, error, statuses_[i]));
  }
  return absl::OkStatus();
}

absl::Status MpiExchange::Complete(const Post& post, int error, const MPI_Status& status) {
  int error_class = MPI_SUCCESS;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Error_class(error, &error_class), "MPI_Error_class"));
  const bool cut_off = error_class == MPI_ERR_TRUNCATE;
  if (error != MPI_SUCCESS && !cut_off)
    return absl::InternalError(absl::StrCat(operation_, ": ",
                                            post.kind == Post::kSend ? "to" : "from", " rank ",
                                            post.peer, ": ", MpiErrorText(error)));
  if (post.kind == Post::kSend) return absl::OkStatus();
  int count = 0;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count"));
  if (post.kind == Post::kFirstReceive && post.num_bytes > kShortBytes) {
    if (cut_off || status.MPI_TAG != kSizeTag) return SizeError(post, "fewer");
    return ReceiveChunks(post);
  }
  if (cut_off || status.MPI_TAG == kSizeTag) return SizeError(post, "more");
  if (count != post.num_bytes) return SizeError(post, absl::StrCat(count));
  return absl::OkStatus();
}

absl::Status MpiExchange::ReceiveChunks(const Post& first) {
  const int64_t size = received_sizes_[static_cast<size_t>(first.peer)];
  if (size != first.num_bytes) return SizeError(first, absl::StrCat(size));
  const int64_t chunk_bytes = ChunkBytes(size);
  for (int64_t begin = 0; begin < size; begin += chunk_bytes) {
    const Post chunk{first.peer, Post::kChunkReceive, first.data + begin,
                     std::min(chunk_bytes, size - begin)};
    QH_RETURN_IF_ERROR(StartReceive(chunk, chunk.data, chunk.num_bytes, kChunkTag));
  }
  return absl::OkStatus();
}

// What a failed exchange left pending must not write to the caller's buffers later: receives that
// have met no message are cancelled, and those under way get a moment to end, since nothing in MPI
// stops them. Sends cannot be cancelled. The exchange has failed already, so there is nothing to
// report these codes to.
void MpiExchange::TakeBack() {
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i] == MPI_REQUEST_NULL) continue;
    if (posts_[i].kind == Post::kSend) {
      static_cast<void>(MPI_Request_free(&requests_[i]));
    } else {
      static_cast<void>(MPI_Cancel(&requests_[i]));
    }
  }
  const Backoff backoff(absl::Milliseconds(200));
  for (size_t i = 0; i < requests_.size(); ++i) {
    int done = 0;
    while (requests_[i] != MPI_REQUEST_NULL && done == 0 && !backoff.Expired()) {
      if (MPI_Test(&requests_[i], &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) break;
      if (done == 0) backoff.Pause();
    }
    if (requests_[i] != MPI_REQUEST_NULL) static_cast<void>(MPI_Request_free(&requests_[i]));
  }
}

absl::Status MpiExchange::SizeError(const Post& post, absl::string_view got) const {
  return absl::InvalidArgumentError(
      absl::StrCat(operation_, ": rank ", post.peer, " sent ", got, " bytes, but ", post.num_bytes,
                   " were expected; sender and receiver must agree on sizes"));
}

absl::Status MpiExchange::SilenceError(absl::Duration deadline) const {
  std::vector<int32_t> silent;
  for (size_t i = 0; i < requests_.size(); ++i)
    if (requests_[i] != MPI_REQUEST_NULL) silent.push_back(posts_[i].peer);
  std::sort(silent.begin(), silent.end());
  silent.erase(std::unique(silent.begin(), silent.end()), silent.end());
  return DeadlineError(operation_, deadline,
                       absl::StrCat("rank ", absl::StrJoin(silent, ", "), "; see what held it up"));
}

}  // namespace quadhop
