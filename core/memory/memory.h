// Memory for arrays, of the host or of a device, and the stream of work on it.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace quadhop {

// A device does the work it is asked for in the order asked, after the calls have returned; the
// host does it at once. An error of a device is kept: later calls do nothing, and status() says
// what went wrong first, here or before an event that was waited for. Used by one thread at a time;
// another stream (NewStream) may be used by another.
class Memory {
 public:
  virtual ~Memory() = default;

  // The host reads and writes it, and nothing is ever queued.
  virtual bool is_host() const = 0;
  virtual absl::Status status() const = 0;
  // Whether `data` is in memory that a Memory of this kind allocated.
  virtual bool Holds(const void* data) const = 0;

  // Uninitialised; at least 64-byte aligned; nullptr for 0 bytes, and after an error. Free may be
  // called while work on the memory is queued.
  virtual void* Allocate(size_t bytes) = 0;
  virtual void Free(void* data) = 0;
  // The same for memory that is being replaced by larger memory: recorded work may hold its
  // address.
  void FreeOutgrown(void* data) {
    ++num_outgrown_;
    Free(data);
  }
  int64_t num_outgrown() const { return num_outgrown_; }
  // Host memory, for the fastest copies to and from the device.
  virtual void* AllocateStaging(size_t bytes) = 0;
  virtual void FreeStaging(void* data) = 0;

  // The host's memory may be used again when these return.
  virtual void Upload(const void* host, size_t bytes, void* to) = 0;
  virtual void Download(const void* from, size_t bytes, void* host) = 0;
  // As Upload, but the host's memory stays as it is until Synchronize or Download has returned.
  virtual void UploadAsync(const void* host, size_t bytes, void* to) = 0;

  // `rows` rows of `row_bytes` bytes, which begin a stride (in bytes) apart.
  virtual void CopyRows(const void* from, size_t from_stride, void* to, size_t to_stride,
                        int64_t rows, size_t row_bytes) = 0;
  virtual void ZeroRows(void* data, int64_t rows, size_t row_bytes, size_t stride) = 0;
  void Copy(const void* from, void* to, size_t bytes) {
    CopyRows(from, bytes, to, bytes, 1, bytes);
  }
  void Zero(void* data, size_t bytes) { ZeroRows(data, 1, bytes, bytes); }

  // Waits for all that is queued; returns status().
  virtual absl::Status Synchronize() = 0;

  // Another stream of work on the same memory, which is served before this one when both have work:
  // for small work that other work waits for. Events set the order between streams, also for memory
  // that one allocates and another uses: between Allocate and the use, and between the use and
  // Free.
  virtual absl::StatusOr<std::unique_ptr<Memory>> NewStream() = 0;
  // A position in a stream.
  class Event {
   public:
    virtual ~Event() = default;
  };
  virtual std::unique_ptr<Event> RecordEvent() = 0;  // nullptr on the host
  // Work queued later begins when all work before the event is done. The event was recorded on this
  // stream, on one made from it, or on the one that this was made from.
  virtual void WaitFor(const Event* event) = 0;
  // The same for all that is queued on `other` by now.
  void WaitForAll(Memory& other) {
    if (&other != this) WaitFor(other.RecordEvent().get());
  }

  // Work that can be queued any number of times: the same work on the same addresses, with the same
  // values. The Memory must outlive it.
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual void Replay() = 0;
  };
  // What `work` queues here, on streams that it makes wait for this, and on streams that wait for
  // those, is not done but recorded. At the end of `work` this must wait for all of them. Meanwhile
  // nothing may wait for the device or for earlier events; what is allocated must be freed again,
  // and nothing else may be. kUnimplemented on the host, which queues nothing; else `work`'s error,
  // or the device's.
  virtual absl::StatusOr<std::unique_ptr<Recording>> Record(
      absl::FunctionRef<absl::Status()> work) = 0;

 private:
  int64_t num_outgrown_ = 0;
};

class HostMemory : public Memory {
 public:
  bool is_host() const override { return true; }
  absl::Status status() const override { return absl::OkStatus(); }
  bool Holds(const void*) const override { return true; }
  void* Allocate(size_t bytes) override;
  void Free(void* data) override;
  void* AllocateStaging(size_t bytes) override { return Allocate(bytes); }
  void FreeStaging(void* data) override { Free(data); }
  void Upload(const void* host, size_t bytes, void* to) override;
  void Download(const void* from, size_t bytes, void* host) override { Upload(from, bytes, host); }
  void UploadAsync(const void* host, size_t bytes, void* to) override { Upload(host, bytes, to); }
  void CopyRows(const void* from, size_t from_stride, void* to, size_t to_stride, int64_t rows,
                size_t row_bytes) override;
  void ZeroRows(void* data, int64_t rows, size_t row_bytes, size_t stride) override;
  absl::Status Synchronize() override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<Memory>> NewStream() override {
    return std::make_unique<HostMemory>();
  }
  std::unique_ptr<Event> RecordEvent() override { return nullptr; }
  void WaitFor(const Event*) override {}
  absl::StatusOr<std::unique_ptr<Recording>> Record(absl::FunctionRef<absl::Status()>) override {
    return absl::UnimplementedError("the host queues nothing that could be recorded");
  }
};

}  // namespace quadhop
