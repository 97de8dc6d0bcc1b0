#include "launch/training/bad_numbers.h"

#include <algorithm>
#include <cmath>

#include "comm/collectives/gather.h"
#include "core/base/status.h"

namespace quadhop {
StepBackup::StepBackup(Session& session) : session_(session) {
  const std::vector<StateArray> state = session.model().State();
  const auto num_parameters =
      static_cast<std::ptrdiff_t>(session.model().parameters().parameters().size());
  buffers_.assign(state.begin() + num_parameters, state.end());
  floats_.resize(buffers_.size());
  integers_.resize(buffers_.size());
}

void StepBackup::Take() {
  Memory& memory = session_.model().memory();
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].integer != nullptr) {
      integers_[i] = *buffers_[i].integer;
    } else {
      floats_[i].Resize(memory, {buffers_[i].floats.size()});
      CopyValues<float>(memory, buffers_[i].floats, floats_[i].view());
    }
  }
  const Codebook* book = session_.model().codebook();
  if (book != nullptr) codebook_ = book->progress();
}

absl::Status StepBackup::Undo(const Batch& batch) {
  Memory& memory = session_.model().memory();
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].integer != nullptr) {
      *buffers_[i].integer = integers_[i];
    } else {
      CopyValues(memory, floats_[i].cview(), buffers_[i].floats);
    }
  }
  Codebook* book = session_.model().codebook();
  if (book == nullptr) return absl::OkStatus();
  return book->Undo(session_.context().comm, codebook_, batch.nodes);
}

std::vector<std::string> BadGradients(LargeGT& model) {
  std::vector<std::string> bad;
  if (model.gradients_finite()) return bad;
  for (const Parameter& parameter : model.parameters().parameters()) {
    if (parameter.group == GradientGroup::kUnused) continue;
    const std::vector<float> gradient =
        ToHost(model.memory(), model.parameters().gradient(parameter.name));
    if (!std::all_of(gradient.begin(), gradient.end(), [](float g) { return std::isfinite(g); }))
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
  return JsonObject()
      .Add("event", "bad_step")
      .Add("step", batch.step)
      .Add("epoch", batch.epoch)
      .Add("loss", loss)
      .Add("tensors", tensors)
      .Add("nodes", nodes);
}

}  // namespace quadhop
