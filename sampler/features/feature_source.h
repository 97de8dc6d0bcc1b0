// Where feature rows come from.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>

#include "core/arrays/tensor.h"
#include "core/base/ids.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// Distinct rows of steps, since a source was made.
struct FeatureTraffic {
  int64_t rows = 0;            // asked for
  int64_t remote_rows = 0;     // of those: in other ranks' partitions
  int64_t hot_rows = 0;        // of the remote ones: found in the hot set
  int64_t received_bytes = 0;  // of the remaining remote ones, as stored
};

// Rows of hop features by node. One call at a time, except for Cancel.
class FeatureSource {
 public:
  virtual ~FeatureSource() = default;

  virtual int64_t hops_and_self() const = 0;  // 1 + hops
  virtual int64_t width() const = 0;          // F

  // Whether Fetch exchanges rows between ranks. Then it is collective: every rank calls it once per
  // step, even for no nodes, and a pass that was begun goes on to an end that all ranks agree on.
  virtual bool exchanges() const { return false; }

  // Brings the rows of `nodes`, each in [0, N), within reach of the Gather that follows it. Errors
  // are the communicator's.
  virtual absl::Status Fetch(absl::Span<const GlobalId> nodes, ThreadPool& pool);

  // out [U, 1 + hops, F] becomes the rows of nodes [U], those of the last Fetch. On error `out` is
  // unspecified.
  absl::Status Gather(absl::Span<const GlobalId> nodes, TensorView<float> out, ThreadPool& pool);

  // Makes a Fetch that waits for other ranks, and later ones, fail with kAborted: for a rank that
  // leaves in the middle of a pass. From any thread.
  virtual void Cancel() {}

  virtual FeatureTraffic traffic() const { return {}; }

 private:
  virtual absl::Status DoGather(absl::Span<const GlobalId> nodes, TensorView<float> out,
                                ThreadPool& pool) = 0;
};

// Rows of a table in memory or mapped from a store, converted to float. Borrows the table's data.
// Never fails, and needs no Fetch.
std::unique_ptr<FeatureSource> MakeMappedFeatureSource(const FeatureTable& table);

}  // namespace quadhop
