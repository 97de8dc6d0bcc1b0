#include "launch/training/pipeline_report.h"

#include <absl/strings/str_cat.h>

#include <cmath>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr double kNanoseconds = 1e9;

}  // namespace

EpochClock::EpochClock(const BatchLoader& loader, const LargeGT& model, const EpochProgress& before)
    : loader_(loader), model_(model), before_(before), waited_before_(model.time_waited()) {}

PipelineStats EpochClock::Record(EpochProgress& done) const {
  // Waits up to here are part of the seconds up to here, which are therefore read last.
  PipelineStats stats;
  stats.batches = loader_.stats();
  stats.waited_for_sums = model_.time_waited() - waited_before_;
  stats.steps = done.steps() - before_.steps();
  stats.seconds = watch_.Seconds();
  done.set_seconds(before_.seconds() + stats.seconds);
  done.set_exposed_wait_seconds(before_.exposed_wait_seconds() +
                                stats.batches.exposed_wait_seconds());
  return stats;
}

absl::StatusOr<PipelineReport> PipelineReport::Combine(Communicator& comm,
                                                       const PipelineStats& stats,
                                                       double epoch_seconds) {
  const LoaderStats& batches = stats.batches;
  const FeatureTraffic& traffic = batches.traffic;
  std::vector<int64_t> values = {traffic.rows, traffic.remote_rows, traffic.hot_rows,
                                 traffic.received_bytes};
  for (const StageSeconds& stages : {batches.busy_seconds, batches.exposed_seconds})
    for (const double seconds : stages) values.push_back(std::llround(seconds * kNanoseconds));
  values.push_back(absl::ToInt64Nanoseconds(stats.waited_for_sums));
  for (const double seconds : {stats.seconds, epoch_seconds})
    values.push_back(std::llround(seconds * kNanoseconds));
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "report of an epoch's batches", absl::MakeSpan(values)));
  PipelineReport report;
  report.batches_.traffic = {values[0], values[1], values[2], values[3]};
  auto value = values.begin() + 4;
  const auto mean_seconds = [&] {
    return static_cast<double>(*value++) / kNanoseconds / comm.num_ranks();
  };
  for (StageSeconds* stages : {&report.batches_.busy_seconds, &report.batches_.exposed_seconds})
    for (double& seconds : *stages) seconds = mean_seconds();
  report.steps_ = stats.steps;
  report.sums_seconds_ = mean_seconds();
  report.seconds_ = mean_seconds();
  report.epoch_seconds_ = mean_seconds();
  return report;
}

void PipelineReport::AddTo(JsonObject& event) const {
  JsonObject loading;
  loading.Add("steps", steps_).Add("seconds", seconds_);
  for (size_t i = 0; i < static_cast<size_t>(LoaderStage::kIdle); ++i) {
    const char* stage = LoaderStageName(static_cast<LoaderStage>(i));
    loading.Add(absl::StrCat("exposed_", stage, "_seconds"), batches_.exposed_seconds[i])
        .Add(absl::StrCat("busy_", stage, "_seconds"), batches_.busy_seconds[i]);
  }
  loading.Add("exposed_sums_seconds", sums_seconds_);
  const FeatureTraffic& traffic = batches_.traffic;
  if (traffic.rows > 0)
    loading.Add("remote_rows", traffic.remote_rows)
        .Add("feature_bytes_received", traffic.received_bytes);
  if (traffic.remote_rows > 0)
    loading.Add("hot_set_hit_rate",
                static_cast<double>(traffic.hot_rows) / static_cast<double>(traffic.remote_rows));
  event.Add("loading", loading);
}

}  // namespace quadhop
