#include "launch/display/train_display.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace quadhop {
namespace {

// Of 10 seconds.
TrainingWaits Waits(LoaderStage stage, double seconds, double sums_seconds = 0) {
  TrainingWaits waits;
  waits.seconds = 10;
  waits.batches_seconds[static_cast<size_t>(stage)] = seconds;
  waits.sums_seconds = sums_seconds;
  return waits;
}

TEST(Bottleneck, NamesSumsWhereTheyAreWaitedForMost) {
  EXPECT_EQ(Bottleneck(Waits(LoaderStage::kExchange, 0.3, 0.9)),
            "waits 12 %, most for sums over ranks");
  EXPECT_EQ(Bottleneck(Waits(LoaderStage::kExchange, 0.9, 0.3)), "waits 12 %, most for exchange");
}

TEST(Bottleneck, NamesTheStageThatIsWaitedForMost) {
  EXPECT_EQ(Bottleneck(Waits(LoaderStage::kExchange, 2.3)), "waits 23 %, most for exchange");
  EXPECT_EQ(Bottleneck(Waits(LoaderStage::kSample, 0.4)), "computes");
  EXPECT_EQ(Bottleneck(Waits(LoaderStage::kIdle, 2.3)), "waits 23 %, most for threads to wake");
  EXPECT_EQ(Bottleneck({}), "computes");
}

TEST(LiveLine, SaysWhereTheRunStandsAndWhatIsLeftOfAllOfIt) {
  TrainingView view;
  view.epoch = 3;
  view.epochs = 5;
  view.step = 20;
  view.steps = 100;
  view.loss = 1.5;
  EXPECT_EQ(LiveLine(view), "epoch 3/5  step 20/100  loss 1.5000");
  view.valid = 0.75;
  view.seconds = 10;
  view.nodes = 5000;
  view.evaluation_seconds = 4;
  view.evaluations_left = 3;
  // 280 steps of 0.5 s, and 3 evaluations.
  EXPECT_EQ(LiveLine(view),
            "epoch 3/5  step 20/100  loss 1.5000  valid 0.7500  500 nodes/s  2m32s left  computes");
}

std::string TextOf(std::FILE* file) {
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(TrainDisplay, IsQuietButForLinesWhereThereIsNoTerminal) {
  std::FILE* const lines = std::tmpfile();
  std::FILE* const live = std::tmpfile();
  {
    TrainDisplay display(true, LogStyle::kText, lines, live);
    display.Show({});
    display.Say("epoch 1/2");
    TrainDisplay other_rank(false, LogStyle::kText, lines, live);
    other_rank.Say("epoch 1/2 of a rank that is not the first");
  }
  EXPECT_EQ(TextOf(lines), "epoch 1/2\n");
  EXPECT_EQ(TextOf(live), "");
  std::fclose(lines);
  std::fclose(live);
}

TEST(TrainDisplay, LeavesTheLinesToJsonIfThatIsWanted) {
  std::FILE* const lines = std::tmpfile();
  std::FILE* const live = std::tmpfile();
  TrainDisplay(true, LogStyle::kJson, lines, live).Say("epoch 1/2");
  EXPECT_EQ(TextOf(lines), "");
  EXPECT_EQ(TextOf(live), "epoch 1/2\n");
  std::fclose(lines);
  std::fclose(live);
}

}  // namespace
}  // namespace quadhop
