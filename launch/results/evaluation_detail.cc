#include "launch/results/evaluation_detail.h"

#include <bit>
#include <set>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "core/store/store.h"

namespace quadhop {
namespace {

constexpr size_t kNumRanges = 64;  // of degrees: by the number of their bits

}  // namespace

EvaluationDetail::EvaluationDetail(int32_t num_classes)
    : num_classes_(num_classes <= kMaxConfusionClasses ? num_classes : 0),
      confusion_(static_cast<size_t>(num_classes_ * num_classes_)),
      by_degree_(2 * kNumRanges) {}

void EvaluationDetail::Add(int32_t predicted, int32_t label, int64_t degree) {
  if (num_classes_ > 0 && predicted != kUnlabelled)
    ++confusion_[static_cast<size_t>(label * num_classes_ + predicted)];
  const auto range = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(degree)));
  ++by_degree_[2 * range];
  by_degree_[2 * range + 1] += predicted == label ? 1 : 0;
}

absl::Status EvaluationDetail::Sum(Communicator& comm) {
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "counts by degree", absl::MakeSpan(by_degree_)));
  if (num_classes_ == 0) return absl::OkStatus();
  return SumOverRanks(comm, "confusion of classes", absl::MakeSpan(confusion_));
}

bool EvaluationDetail::PredictsOneClass() const {
  std::set<int64_t> labels, predicted;
  for (size_t i = 0; i < confusion_.size(); ++i) {
    if (confusion_[i] == 0) continue;
    labels.insert(static_cast<int64_t>(i) / num_classes_);
    predicted.insert(static_cast<int64_t>(i) % num_classes_);
  }
  return labels.size() > 1 && predicted.size() == 1;
}

JsonObject EvaluationDetail::ToJson() const {
  JsonObject json;
  std::vector<std::vector<int64_t>> rows;
  for (int64_t row = 0; row < num_classes_; ++row)
    rows.emplace_back(confusion_.begin() + row * num_classes_,
                      confusion_.begin() + (row + 1) * num_classes_);
  if (num_classes_ > 0) json.Add("confusion", rows);
  std::vector<JsonObject> ranges;
  for (size_t range = 0; range < kNumRanges; ++range) {
    if (by_degree_[2 * range] == 0) continue;
    ranges.push_back(JsonObject()
                         .Add("from", range == 0 ? int64_t{0} : int64_t{1} << (range - 1))
                         .Add("nodes", by_degree_[2 * range])
                         .Add("right", by_degree_[2 * range + 1]));
  }
  return json.Add("degrees", ranges);
}

}  // namespace quadhop
