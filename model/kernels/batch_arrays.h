// A batch as the kernels see it: its arrays, in the memory where the kernels compute.
#pragma once

#include <cstdint>

#include "core/arrays/array.h"
#include "core/batch/batch.h"
#include "core/memory/memory.h"
#include "core/memory/staging_buffer.h"

namespace quadhop {

// Dims as in core/batch/batch.h. On the host these are the batch's own arrays; on a device they are
// copies, uploaded once per step.
class BatchArrays {
 public:
  // `memory` must have finished what was queued when the previous batch was taken. `batch` must not
  // change while the arrays are used: on a device, until its copies are made, which is quickest
  // from a StagingResource.
  void Take(Memory& memory, const Batch& batch);

  const int64_t* step() const { return step_.view.data(); }
  TensorView<const int64_t> slice_offsets() const { return slice_offsets_.view; }      // [Pl + 1]
  TensorView<const GlobalId> nodes() const { return nodes_.view; }                     // [B]
  TensorView<const int64_t> sampled_offsets() const { return sampled_offsets_.view; }  // [B + 1]
  TensorView<const LocalRow> sampled() const { return sampled_.view; }                 // [D]
  TensorView<const int32_t> multiplicity() const { return multiplicity_.view; }        // [D]
  TensorView<const LocalRow> own() const { return own_.view; }                         // [B]
  TensorView<const float> features() const { return features_.view; }            // [U, 1 + hops, F]
  TensorView<const float> pos_enc() const { return pos_enc_.view; }              // [B, G]
  TensorView<const int32_t> labels() const { return labels_.view; }              // [B]
  TensorView<const uint8_t> multi_labels() const { return multi_labels_.view; }  // [B, C]

 private:
  // The batch's array itself, or a copy on the device.
  template <typename T>
  struct Taken {
    Array<T> copy;
    TensorView<const T> view;
  };
  template <typename T>
  static void TakeOne(Memory& memory, TensorView<const T> host, Taken<T>& taken);
  void TakeFeatures(Memory& memory, const Batch& batch);

  StagingBuffer step_on_host_;
  Taken<int64_t> step_, slice_offsets_, sampled_offsets_;
  Taken<GlobalId> nodes_, rows_;
  Taken<LocalRow> sampled_, own_;
  Taken<int32_t> multiplicity_, labels_;
  Taken<float> features_, pos_enc_;
  Taken<uint8_t> multi_labels_;
};

}  // namespace quadhop
