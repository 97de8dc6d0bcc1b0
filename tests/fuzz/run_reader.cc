// What a run leaves in its folder, as report and watch read it.
#include <absl/time/time.h>

#include "core/base/check.h"
#include "core/base/status.h"
#include "launch/config/config.h"
#include "launch/display/watch.h"
#include "launch/report/report.h"
#include "launch/run/run_paths.h"
#include "tests/fuzz/reader.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

constexpr char kMetrics[] =
    R"({"event":"step","step":0,"epoch":1,"loss":2.5}
{"event":"checkpoint","after_step":5,"stall_seconds":0.01,"write_seconds":1,"bytes":7}
{"event":"epoch","epoch":1,"train_loss":2,"valid_accuracy":0.5,"test_accuracy":0.25,"after_step":10,"seconds":2,"loading":{"busy_sample_seconds":1,"remote_rows":9}}
)";
constexpr char kEvaluation[] =
    R"({"epoch":3,"test":{"confusion":[[3,1],[0,4]],"degrees":[{"from":4,"nodes":8,"right":7}]},"codebook_counts":[5,0,7]})";

class RunReader : public Reader {
 public:
  RunReader(const std::string& file, std::string seed) : file_(file), seed_(std::move(seed)) {
    const Config config = LoadConfig("quickstart", {}).value();
    WriteBytes(RunConfigPath(run_.path()), ConfigToText(config));
    WriteBytes(RunStorePath(run_.path()), "/nowhere.qh\n");
    WriteBytes(RunMetricsPath(run_.path()), kMetrics);
    WriteBytes(RunEvaluationPath(run_.path()), kEvaluation);
  }

  Notices notices() const override { return Notices::kNothing; }
  std::vector<std::string> Seeds() const override { return {seed_}; }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    WriteBytes(run_ / file_, bytes);
    RunWatch watch(run_.path());
    QH_ASSIGN_OR_RETURN(const std::string epochs, watch.NewEpochs());
    QH_ASSIGN_OR_RETURN(const RunWatch::Standing now, watch.Now(absl::UnixEpoch()));
    QH_ASSIGN_OR_RETURN(const std::string page, ReportPage({run_.path()}, pool_));
    return absl::StrCat(epochs, now.line, page);
  }

 private:
  TempDir run_;
  const std::string file_;
  const std::string seed_;
  ThreadPool pool_{1};
};

}  // namespace

std::vector<std::unique_ptr<Reader>> MakeRunReaders() {
  std::vector<std::unique_ptr<Reader>> readers;
  for (const auto& [file, seed] : std::initializer_list<std::pair<const char*, const char*>>{
           {"metrics.jsonl", kMetrics},
           {"evaluation.json", kEvaluation},
           {"summary.json",
            R"({"test_accuracy":0.3,"best_epoch":3,"epoch_seconds":2.5,"ranks":2})"},
           {"machine.json", R"({"hosts":[{"name":"n1","ranks":2}],"threads":3,"mpi":"Open MPI"})"},
           {"alive.json",
            R"({"state":"running","phase":"training","step":7,"time":12,"host":"n1","pid":9})"}})
    readers.push_back(std::make_unique<RunReader>(file, seed));
  return readers;
}

}  // namespace quadhop
