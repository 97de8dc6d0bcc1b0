#include "model/checkpoint_snapshot.h"

#include <utility>

#include "core/status.h"
#include "model/checkpoint_parts.h"

namespace quadhop {
namespace {

using Array = CheckpointSnapshot::Array;

template <typename T>
Array CopyOf(std::string name, DType dtype, std::vector<int64_t> dims, const T* data, size_t size) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(data);
  return {std::move(name), dtype, std::move(dims), {bytes, bytes + size * sizeof(T)}};
}

std::vector<Array> CopyOf(const std::vector<StateArray>& state, Memory& memory) {
  std::vector<Array> arrays;
  for (const StateArray& array : state) {
    if (array.integer != nullptr) {
      arrays.push_back(CopyOf(array.name, DType::kI64, array.dims, array.integer, 1));
      continue;
    }
    const size_t bytes = BytesOf(array.floats);
    arrays.push_back({array.name, DType::kF32, array.dims, std::vector<uint8_t>(bytes)});
    memory.Download(array.floats.data(), bytes, arrays.back().bytes.data());
  }
  return arrays;
}

std::vector<Array> CopyOf(const Codebook::Candidates& candidates, int64_t width) {
  const int64_t n = candidates.size();
  return {
      CopyOf("keys", DType::kI64, {n, 2}, candidates.keys.data(), candidates.keys.size()),
      CopyOf("queries", DType::kF32, {n, width}, candidates.queries.data(),
             candidates.queries.size()),
  };
}

}  // namespace

absl::StatusOr<CheckpointSnapshot> TakeSnapshot(const CheckpointSubject& s,
                                                const RunPosition& position) {
  CheckpointSnapshot snapshot;
  snapshot.position = position;
  snapshot.store = s.store;
  snapshot.partitions = s.owners.num_partitions();
  const bool main = s.comm.rank() == Rank(0);
  if (main) {
    snapshot.tensors[kWeightsFile] = CopyOf(s.model.State(), s.model.memory());
    if (s.adam != nullptr)
      snapshot.tensors[kOptimizerFile] = CopyOf(OptimizerState(s.model, *s.adam), s.model.memory());
  }
  QH_RETURN_IF_ERROR(s.model.memory().status());
  Codebook* book = s.model.codebook();
  snapshot.position.set_codebook_started(book != nullptr && book->started());
  if (book == nullptr) return snapshot;
  if (!book->started()) {
    QH_ASSIGN_OR_RETURN(const Codebook::Candidates candidates, book->GatherCandidates(s.comm));
    if (main)
      snapshot.tensors[kCandidatesFile] = CopyOf(candidates, s.model.options().dims.query());
  }
  const auto rank = static_cast<size_t>(s.comm.rank().value());
  std::vector<int16_t> all = book->codes();
  for (int32_t p = s.owners.first[rank]; p < s.owners.first[rank + 1]; ++p) {
    const absl::Span<const int16_t> codes = CodesOf(s, p, absl::MakeSpan(all));
    snapshot.codes[CodesFile(p)].assign(codes.begin(), codes.end());
  }
  return snapshot;
}

}  // namespace quadhop
