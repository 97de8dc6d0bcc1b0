#include "launch/training/bad_numbers.h"

#include <absl/strings/str_join.h>

#include <algorithm>
#include <cstring>

#include "comm/gather.h"
#include "core/status.h"

namespace quadhop {
namespace {

// By the bits, so that the compiler makes vectors of it.
bool AllFinite(TensorView<const float> values) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t bad = 0;
  for (int64_t i = 0; i < values.size(); ++i) {
    uint32_t bits;
    std::memcpy(&bits, values.data() + i, sizeof(bits));
    bad |= static_cast<uint32_t>((bits & kExponent) == kExponent);
  }
  return bad == 0;
}

}  // namespace

StepBackup::StepBackup(Session& session)
    : session_(session), first_node_(session.inputs().FirstNode(session.inputs().first_partition)) {
  const std::vector<StateArray> state = session.model().State();
  const auto num_parameters =
      static_cast<std::ptrdiff_t>(session.model().parameters().parameters().size());
  buffers_.assign(state.begin() + num_parameters, state.end());
  floats_.resize(buffers_.size());
  integers_.resize(buffers_.size());
}

absl::Span<int16_t> StepBackup::codes() { return session_.model().codebook()->codes(); }

void StepBackup::Take(const Batch& batch) {
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].integer != nullptr) {
      integers_[i] = *buffers_[i].integer;
    } else {
      const TensorView<float> values = buffers_[i].floats;
      floats_[i].assign(values.data(), values.data() + values.size());
    }
  }
  Codebook* book = session_.model().codebook();
  if (book == nullptr) return;
  started_ = book->started();
  batch_codes_.clear();
  for (const GlobalId node : batch.nodes)
    batch_codes_.push_back(codes()[static_cast<size_t>(node.value() - first_node_)]);
}

absl::StatusOr<bool> StepBackup::Undo(const Batch& batch) {
  Codebook* book = session_.model().codebook();
  if (book != nullptr && !started_) return false;
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].integer != nullptr) {
      *buffers_[i].integer = integers_[i];
    } else {
      std::copy(floats_[i].begin(), floats_[i].end(), buffers_[i].floats.data());
    }
  }
  if (book == nullptr) return true;
  for (size_t i = 0; i < batch.nodes.size(); ++i)
    codes()[static_cast<size_t>(batch.nodes[i].value() - first_node_)] = batch_codes_[i];
  QH_RETURN_IF_ERROR(book->StateChanged(session_.context().comm, started_));
  return true;
}

std::vector<std::string> BadGradients(ParameterSet& parameters) {
  const TensorView<float> all = parameters.trained_gradients();
  std::vector<std::string> bad;
  if (AllFinite({all.data(), {all.size()}})) return bad;
  for (const Parameter& parameter : parameters.parameters()) {
    if (parameter.group == GradientGroup::kUnused) continue;
    if (!AllFinite({all.data() + parameter.offset, {parameter.size}}))
      bad.push_back(parameter.name);
  }
  return bad;
}

absl::StatusOr<JsonObject> DescribeBadStep(Session& session, const Batch& batch, double loss,
                                           const std::vector<std::string>& tensors) {
  Communicator& comm = session.context().comm;
  QH_ASSIGN_OR_RETURN(const auto original_ids, session.store().original_ids());
  std::vector<int64_t> mine;
  for (const GlobalId node : batch.nodes)
    mine.push_back(original_ids[static_cast<size_t>(node.value())]);
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> nodes,
                      GatherOverRanks<int64_t>(comm, "nodes of a bad step", mine));
  const auto quoted = [](std::string* out, const std::string& name) {
    out->append(JsonString(name));
  };
  return JsonObject()
      .Add("event", "bad_step")
      .Add("step", batch.step)
      .Add("epoch", batch.epoch)
      .Add("loss", loss)
      .AddJson("tensors", absl::StrCat("[", absl::StrJoin(tensors, ",", quoted), "]"))
      .AddJson("nodes", absl::StrCat("[", absl::StrJoin(nodes, ","), "]"));
}

}  // namespace quadhop
