#include "model/checkpoint/checkpoint_snapshot.h"

#include <utility>

#include "core/base/status.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {
namespace {

using Array = CheckpointSnapshot::Array;

template <typename T>
void Copy(std::string name, DType dtype, std::vector<int64_t> dims, const T* data, size_t size,
          Array& to) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(data);
  to.name = std::move(name);
  to.dtype = dtype;
  to.dims = std::move(dims);
  to.bytes.assign(bytes, bytes + size * sizeof(T));
}

void Copy(const std::vector<StateArray>& state, Memory& memory, std::vector<Array>& arrays) {
  arrays.resize(state.size());
  for (size_t i = 0; i < state.size(); ++i) {
    const StateArray& array = state[i];
    Array& to = arrays[i];
    if (array.integer != nullptr) {
      Copy(array.name, DType::kI64, array.dims, array.integer, 1, to);
      continue;
    }
    to.name = array.name;
    to.dtype = DType::kF32;
    to.dims = array.dims;
    to.bytes.resize(BytesOf(array.floats));
    memory.Download(array.floats.data(), to.bytes.size(), to.bytes.data());
  }
}

void Copy(const Codebook::Candidates& candidates, int64_t width, std::vector<Array>& arrays) {
  const int64_t n = candidates.size();
  arrays.resize(2);
  Copy("keys", DType::kI64, {n, 2}, candidates.keys.data(), candidates.keys.size(), arrays[0]);
  Copy("queries", DType::kF32, {n, width}, candidates.queries.data(), candidates.queries.size(),
       arrays[1]);
}

}  // namespace

absl::StatusOr<CheckpointSnapshot> TakeSnapshot(const CheckpointSubject& s,
                                                const RunPosition& position,
                                                CheckpointSnapshot reused) {
  CheckpointSnapshot snapshot = std::move(reused);
  snapshot.position = position;
  snapshot.store = s.store;
  const bool main = s.comm.rank() == Rank(0);
  if (main) {
    Copy(s.model.State(), s.model.memory(), snapshot.tensors[kWeightsFile]);
    if (s.adam != nullptr)
      Copy(OptimizerState(s.model, *s.adam), s.model.memory(), snapshot.tensors[kOptimizerFile]);
  }
  QH_RETURN_IF_ERROR(s.model.memory().status());
  snapshot.tensors.erase(kCandidatesFile);
  Codebook* book = s.model.codebook();
  snapshot.position.set_codebook_started(book != nullptr && book->started());
  if (book == nullptr) return snapshot;
  if (!book->started()) {
    QH_ASSIGN_OR_RETURN(const Codebook::Candidates candidates, book->GatherCandidates(s.comm));
    if (main) Copy(candidates, s.model.options().dims.query(), snapshot.tensors[kCandidatesFile]);
  }
  book->CopyCodes(snapshot.codes);
  QH_RETURN_IF_ERROR(s.model.memory().status());
  return snapshot;
}

}  // namespace quadhop
