#include "sampler/samples/repeat_merger.h"

namespace quadhop {

void RepeatMerger::Merge(int64_t k, int64_t num_rows, Batch& batch) {
  entries_.assign(static_cast<size_t>(num_rows), -1);
  batch.multiplicity.resize(batch.sampled.size());
  batch.sampled_offsets.assign(1, 0);
  int64_t end = 0;
  for (int64_t b = 0; b < batch.num_nodes(); ++b) {
    const int64_t first = end;
    for (int64_t i = b * k; i < (b + 1) * k; ++i) {
      const LocalRow row = batch.sampled[static_cast<size_t>(i)];
      int64_t& entry = entries_[static_cast<size_t>(row.value())];
      if (entry >= first) {
        ++batch.multiplicity[static_cast<size_t>(entry)];
        continue;
      }
      entry = end++;
      batch.sampled[static_cast<size_t>(entry)] = row;
      batch.multiplicity[static_cast<size_t>(entry)] = 1;
    }
    batch.sampled_offsets.push_back(end);
  }
  batch.sampled.resize(static_cast<size_t>(end));
  batch.multiplicity.resize(static_cast<size_t>(end));
}

}  // namespace quadhop
