// eval and predict with several samples of each node.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/arrays/npy.h"
#include "core/files/file.h"
#include "core/store/store_writer.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_folder.h"
#include "launch/session/session.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

// A store of 200 nodes in 4 partitions, and a run on it.
class SamplesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteTinyStore(store_, {.graph_nodes = 200, .partitions = 4}));
    Train({});
  }

  void Train(const std::vector<std::string>& more) {
    std::filesystem::remove_all(run_);
    const Outcome outcome = TrainTiny(store_, run_, /*epochs=*/3, more);
    ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  }

  // The bytes of the file that `predict` writes for the flag --KIND.
  std::string Predict(const std::string& kind, int samples, int ranks = 1) {
    const std::string path = folder_ / absl::StrCat(kind, ".npy");
    const Outcome outcome = Quadhop({"predict", "--run", run_, absl::StrCat("--", kind), path,
                                     "--samples", absl::StrCat(samples), "--ranks-in-process",
                                     absl::StrCat(ranks), "--threads", "1"});
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    return ReadFile(path).value();
  }

  Outcome Eval(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"eval", "--run", run_, "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Quadhop(arguments);
  }

  TempDir folder_;
  std::string store_ = folder_ / "store.qh", run_ = folder_ / "run";
};

TEST_F(SamplesTest, ThePredictionIsTheMeanOverThem) {
  ASSERT_OK_AND_ASSIGN(const Config config, ReadRunConfig(run_));
  testing::internal::CaptureStderr();
  const auto code = RunRanks(
      {.ranks_in_process = 1, .threads = 1, .heartbeat = {}},
      [&](const RankContext& context) -> absl::StatusOr<ExitCode> {
        QH_ASSIGN_OR_RETURN(const auto session, Session::Create(store_, "", config, context));
        QH_RETURN_IF_ERROR(
            ReadCheckpoint(session->Subject(nullptr), BestCheckpointPath(run_)).status());
        Pass pass;
        pass.kind = Pass::Kind::kAllNodes;
        pass.batch = 16;
        pass.samples = 3;
        const int64_t classes = session->model().options().dims.classes;
        std::vector<float> logits, embeddings;  // expected, of all nodes
        QH_RETURN_IF_ERROR(session->loader().Start(pass));
        for (int64_t step = 0;; ++step) {
          QH_ASSIGN_OR_RETURN(const Batch* batch, session->loader().Next());
          if (batch == nullptr) break;
          Tensor<float> of_sample({batch->num_nodes(), classes});
          QH_RETURN_IF_ERROR(session->model().Predict(*batch, of_sample.view()));
          const std::vector<float> hidden = session->model().embeddings();
          const auto num_logits = static_cast<size_t>(of_sample.size());
          if (step % 3 == 0) {
            logits.resize(logits.size() + num_logits);
            embeddings.resize(embeddings.size() + hidden.size());
          }
          for (size_t i = 0; i < num_logits; ++i)
            logits[logits.size() - num_logits + i] += of_sample.data()[i] / 3;
          for (size_t i = 0; i < hidden.size(); ++i)
            embeddings[embeddings.size() - hidden.size() + i] += hidden[i] / 3;
        }
        std::vector<float> means, hidden_means, of_one;
        const auto take = [](TensorView<const float> from, std::vector<float>& to) {
          to.insert(to.end(), from.data(), from.data() + from.size());
        };
        QH_RETURN_IF_ERROR(session->ForEachPrediction(
            pass, /*with_embeddings=*/true, [&](const Batch&, const Prediction& prediction) {
              take(prediction.logits, means);
              take(prediction.embeddings, hidden_means);
              return absl::OkStatus();
            }));
        EXPECT_THAT(means, Pointwise(FloatNear(1e-6f), logits));
        EXPECT_THAT(hidden_means, Pointwise(FloatNear(1e-6f), embeddings));
        pass.samples = 1;
        QH_RETURN_IF_ERROR(session->ForEachPrediction(
            pass, /*with_embeddings=*/true, [&](const Batch&, const Prediction& prediction) {
              take(prediction.logits, of_one);
              return absl::OkStatus();
            }));
        EXPECT_EQ(of_one.size(), means.size());
        EXPECT_NE(of_one, means);
        return ExitCode::kDone;
      });
  testing::internal::GetCapturedStderr();
  EXPECT_OK(code);
}

TEST_F(SamplesTest, ResultsAreTheSameOnAnyNumberOfRanksWhereverFeaturesAre) {
  const std::vector<std::string> kinds = {"probabilities", "embeddings"};
  std::vector<std::string> expected;
  for (const std::string& kind : kinds) {
    expected.push_back(Predict(kind, 3));
    EXPECT_EQ(Predict(kind, 3, /*ranks=*/4), expected.back());
    EXPECT_NE(Predict(kind, 1), expected.back());
  }
  Train({"--set", "sampler.feature_placement=PARTITIONED"});
  for (size_t i = 0; i < kinds.size(); ++i)
    EXPECT_EQ(Predict(kinds[i], 3, /*ranks=*/4), expected[i]);
}

TEST_F(SamplesTest, EvalSaysHowManyAndAgreesWithPredict) {
  Predict("out", 5);
  ASSERT_OK_AND_ASSIGN(const NpyFile predictions, NpyFile::Open(folder_ / "out.npy"));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(store_));
  ASSERT_OK_AND_ASSIGN(const auto labels, store->labels());
  ASSERT_OK_AND_ASSIGN(const auto split, store->split(""));
  ASSERT_OK_AND_ASSIGN(const auto original_ids, store->original_ids());
  double right = 0, nodes = 0;
  for (size_t v = 0; v < labels.size(); ++v) {
    if (split[v] != static_cast<uint8_t>(SplitPart::kTrain) || labels[v] == kUnlabelled) continue;
    right += predictions.values<int32_t>()[static_cast<size_t>(original_ids[v])] == labels[v];
    ++nodes;
  }
  const Outcome json = Eval({"--samples", "5", "--json"});
  ASSERT_EQ(json.code, ExitCode::kDone) << json.err;
  const auto figures = nlohmann::json::parse(json.out);
  EXPECT_EQ(figures["samples"], 5);
  EXPECT_NEAR(figures["train_accuracy"], right / nodes, 1e-9);
  EXPECT_THAT(Eval({"--samples", "5"}).out, HasSubstr(", mean of 5 samples\n"));
  EXPECT_EQ(Eval({}).out, Eval({"--samples", "1"}).out);
}

TEST_F(SamplesTest, AreDrawnOnceIfTheyCannotDiffer) {
  for (const char* setting : {"model.conv=GLOBAL", "sampler.sampled_nodes=1"}) {
    SCOPED_TRACE(setting);
    Train({"--set", setting});
    EXPECT_EQ(Predict("probabilities", 4), Predict("probabilities", 1));
    EXPECT_EQ(Eval({"--samples", "4", "--json"}).out, Eval({"--json"}).out);
  }
}

TEST_F(SamplesTest, AreAtLeastOne) {
  const Outcome outcome = Eval({"--samples", "0"});
  EXPECT_EQ(outcome.code, ExitCode::kUsage);
  EXPECT_THAT(outcome.err, HasSubstr("--samples"));
}

}  // namespace
}  // namespace quadhop
