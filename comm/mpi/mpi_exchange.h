// The point-to-point messages of one MpiCommunicator's AllToAllV.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "comm/mpi/mpi_status.h"

namespace quadhop {

// A message of at most kShortBytes goes as it is. A longer one goes as its size and then its
// chunks, which the receiver posts only when the size is what it expects: Open MPI 4.1 writes past
// the end of a receive buffer that a long message does not fit in (seen with the shared-memory
// transport). A short message that does not fit is cut off by MPI, and reported. Messages of one
// pair of ranks arrive in the order sent, so calls need no tags of their own.
//
// One thread uses it. Buffers and `operation` are borrowed for its life.
class MpiExchange {
 public:
  // Messages of more than chunk_bytes are cut.
  MpiExchange(MPI_Comm comm, int32_t num_ranks, absl::string_view operation, int64_t chunk_bytes);
  // What a failed exchange left pending no longer writes to the buffers, except for a message that
  // had begun to arrive and takes 200 ms or more to end. Its buffer should live until the job is
  // ended, which is all that can be done after an error.
  ~MpiExchange();
  MpiExchange(const MpiExchange&) = delete;
  MpiExchange& operator=(const MpiExchange&) = delete;

  // Start one message from, and to, a peer. Each at most once per peer.
  absl::Status Receive(int32_t peer, void* data, int64_t num_bytes);
  absl::Status Send(int32_t peer, const void* data, int64_t num_bytes);

  // Waits until all messages have been sent and received. kDeadlineExceeded names the ranks that
  // were waited for, kInvalidArgument one whose message has another size, kAborted that `cancelled`
  // was set.
  absl::Status Wait(absl::Duration deadline, const std::atomic<bool>& cancelled);

 private:
  // What a request is for.
  struct Post {
    int32_t peer;
    enum { kFirstReceive, kChunkReceive, kSend } kind;
    char* data;         // for a first receive: where the whole message goes
    int64_t num_bytes;  // of the whole message, or of the chunk
  };

  // The size of the chunks in which a message is sent: small, so that MPI keeps them until they are
  // received and need not ask the receiver first, unless the message is too long for that.
  int64_t ChunkBytes(int64_t message_bytes) const;
  absl::Status StartReceive(const Post& post, void* data, int64_t num_bytes, int tag);
  absl::Status StartSend(int32_t peer, const void* data, int64_t num_bytes, int tag);
  void Add(MPI_Request request, const Post& post);
  // One poll: takes note of the num_done requests that have completed.
  absl::Status Progress(int& num_done);
  absl::Status Complete(const Post& post, int error, const MPI_Status& status);
  absl::Status ReceiveChunks(const Post& first);
  void TakeBack();
  absl::Status SizeError(const Post& post, absl::string_view got) const;
  absl::Status SilenceError(absl::Duration deadline) const;

  const MPI_Comm comm_;
  const absl::string_view operation_;
  const int64_t chunk_bytes_;
  std::vector<int64_t> sent_sizes_;      // [R], of long messages
  std::vector<int64_t> received_sizes_;  // [R]
  std::vector<MPI_Request> requests_;
  std::vector<Post> posts_;  // what each request is for
  size_t num_pending_ = 0;
  std::vector<int> done_;  // scratch of Progress
  std::vector<MPI_Status> statuses_;
};

}  // namespace quadhop
