#include "partition/steps/prep_shape.h"

#include "partition/steps/prep_step.h"

namespace quadhop {

PrepShape PrepShape::Of(const Store& store) {
  PrepShape shape;
  shape.nodes = store.num_nodes();
  shape.arcs = store.manifest().arcs();
  shape.directed = store.manifest().directed();
  shape.features = store.manifest().features();
  shape.cut_before = store.FindStep(PrepStepName(PrepStep::kPartition)) != nullptr;
  for (const StoreFile& file : store.manifest().files())
    if (file.name() == "features.npy" || file.name() == "pos_enc.npy")
      shape.derived_bytes += file.bytes();
  return shape;
}

}  // namespace quadhop
