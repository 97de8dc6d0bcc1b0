// Where feature rows come from.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>

#include "core/ids.h"
#include "core/store.h"
#include "core/tensor.h"
#include "core/thread_pool.h"

namespace quadhop {

// Rows of hop features by node. One Gather at a time.
class FeatureSource {
 public:
  virtual ~FeatureSource() = default;

  virtual int64_t hops_and_self() const = 0;  // 1 + hops
  virtual int64_t width() const = 0;          // F

  // out [U, 1 + hops, F] becomes the rows of nodes [U], each in [0, N). A source that exchanges
  // rows between ranks is collective: every rank calls Gather once a step, also with U = 0. On
  // error `out` is unspecified.
  absl::Status Gather(absl::Span<const GlobalId> nodes, TensorView<float> out, ThreadPool& pool);

 private:
  virtual absl::Status DoGather(absl::Span<const GlobalId> nodes, TensorView<float> out,
                                ThreadPool& pool) = 0;
};

// Rows of a table in memory or mapped from a store, converted to float. Borrows the table's data.
// Never fails.
std::unique_ptr<FeatureSource> MakeMappedFeatureSource(const FeatureTable& table);

}  // namespace quadhop
