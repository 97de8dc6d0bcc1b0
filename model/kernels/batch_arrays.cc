#include "model/kernels/batch_arrays.h"

#include <memory_resource>
#include <vector>

namespace quadhop {
namespace {

template <typename T>
TensorView<const T> ViewOf(const std::pmr::vector<T>& values) {
  return {values.data(), {static_cast<int64_t>(values.size())}};
}

}  // namespace

template <typename T>
void BatchArrays::TakeOne(Memory& memory, TensorView<const T> host, Taken<T>& taken) {
  taken.view = host;
  if (memory.is_host()) return;
  taken.copy.ResizeWithRoom(memory, {host.size()});
  memory.UploadAsync(host.data(), BytesOf(host), taken.copy.data());
  taken.view = host.At(taken.copy.data());
}

// The one place where a batch's features come to the device.
void BatchArrays::TakeFeatures(Memory& memory, const Batch& batch) {
  if (batch.device_rows == nullptr) return TakeOne(memory, batch.features.cview(), features_);
  TakeOne(memory, ViewOf(batch.rows), rows_);
  const DeviceRows& source = *batch.device_rows;
  features_.copy.ResizeWithRoom(memory,
                                {rows_.view.size(), source.hops_and_self(), source.width()});
  source.Gather(memory, rows_.view.data(), rows_.view.size(), features_.copy.data());
  features_.view = features_.copy.cview();
}

void BatchArrays::Take(Memory& memory, const Batch& batch) {
  auto* const step = static_cast<int64_t*>(step_on_host_.Reserve(memory, sizeof(int64_t)));
  if (step == nullptr) return;  // an error of the device
  *step = batch.step;
  TakeOne(memory, TensorView<const int64_t>(step, {1}), step_);
  TakeOne(memory, ViewOf(batch.slice_offsets), slice_offsets_);
  TakeOne(memory, ViewOf(batch.nodes), nodes_);
  TakeOne(memory, ViewOf(batch.sampled_offsets), sampled_offsets_);
  TakeOne(memory, ViewOf(batch.sampled), sampled_);
  TakeOne(memory, ViewOf(batch.multiplicity), multiplicity_);
  TakeOne(memory, ViewOf(batch.own), own_);
  TakeOne(memory, batch.pos_enc.cview(), pos_enc_);
  TakeOne(memory, ViewOf(batch.labels), labels_);
  TakeOne(memory, batch.multi_labels.cview(), multi_labels_);
  TakeFeatures(memory, batch);
}

}  // namespace quadhop
