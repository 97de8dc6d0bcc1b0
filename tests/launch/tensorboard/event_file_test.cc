#include "launch/tensorboard/event_file.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/files/file.h"
#include "launch/config/config.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::SizeIs;

// CRC-32C a bit at a time, from its polynomial.
uint32_t PlainCrc32c(absl::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc % 2 != 0 ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

uint32_t Masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

uint64_t Number(absl::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

// The events of a file, each record checked.
std::vector<tensorboard::Event> EventsOf(const std::string& path) {
  const std::string text = ReadFile(path).value();
  absl::string_view rest = text;
  std::vector<tensorboard::Event> events;
  while (rest.size() >= 16) {
    const auto length = static_cast<size_t>(Number(rest.substr(0, 8)));
    EXPECT_EQ(Number(rest.substr(8, 4)), Masked(PlainCrc32c(rest.substr(0, 8))));
    const absl::string_view bytes = rest.substr(12, length);
    EXPECT_EQ(Number(rest.substr(12 + length, 4)), Masked(PlainCrc32c(bytes)));
    events.emplace_back();
    EXPECT_TRUE(events.back().ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    rest.remove_prefix(length + 16);
  }
  EXPECT_TRUE(rest.empty());
  return events;
}

absl::Status WriteRun(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(const Config config, LoadConfig("quickstart", {}));
  QH_ASSIGN_OR_RETURN(EventFile file, EventFile::Create(folder, 0));
  QH_RETURN_IF_ERROR(file.AddHyperParameters(config));
  QH_RETURN_IF_ERROR(file.AddLine(R"({"event":"step","step":0,"epoch":1,"loss":0.5})"));
  QH_RETURN_IF_ERROR(file.AddLine(R"({"event":"checkpoint","step":1,"bytes":7})"));
  QH_RETURN_IF_ERROR(file.AddLine(
      R"({"event":"epoch","epoch":1,"train_loss":0,"after_step":6,"loading":{"busy_seconds":2}})"));
  return file.AddEnd();
}

TEST(EventFile, HasARecordAnEventWithItsChecksums) {
  const TempDir folder;
  ASSERT_OK(WriteRun(folder.path()));
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> files, ListEventFiles(folder.path()));
  ASSERT_THAT(files, SizeIs(1));
  const std::vector<tensorboard::Event> events = EventsOf(files[0]);
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[1].session_log().status(), tensorboard::SessionLog::START);
  EXPECT_EQ(events[3].summary().value(0).tag(), "step/loss");
  EXPECT_EQ(events[3].summary().value(0).simple_value(), 0.5f);
  EXPECT_EQ(events[4].step(), 5);  // the last step of the epoch
  ASSERT_EQ(events[4].summary().value_size(), 2);
  EXPECT_EQ(events[4].summary().value(0).tag(), "epoch/loading/busy_seconds");
  EXPECT_EQ(events[4].summary().value(1).tag(), "epoch/train_loss");
  EXPECT_EQ(events[4].summary().value(1).value_case(), tensorboard::SummaryValue::kSimpleValue);
}

TEST(EventFile, IsWholeAgainAfterAWriteThatFailed) {
  const TempDir folder;
  ASSERT_OK_AND_ASSIGN(EventFile file, EventFile::Create(folder.path(), 0));
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> files, ListEventFiles(folder.path()));
  ASSERT_OK_AND_ASSIGN(const int64_t bytes, FileBytes(files[0]));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{static_cast<rlim_t>(bytes) + 20, before.rlim_max};  // half a record
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status lost = file.AddLine(R"({"event":"step","step":0,"loss":0.5})");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(lost.ok());
  ASSERT_OK(file.AddLine(R"({"event":"step","step":1,"loss":0.25})"));
  const std::vector<tensorboard::Event> events = EventsOf(files[0]);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2].step(), 1);
}

TEST(EventFile, IsReadByTensorBoard) {
  const TempDir folder;
  ASSERT_OK(WriteRun(folder.path()));
  // A run that is resumed at step 3 writes its later steps again.
  ASSERT_OK_AND_ASSIGN(EventFile resumed, EventFile::Create(folder.path(), 3));
  ASSERT_OK(resumed.AddLine(R"({"event":"epoch","epoch":1,"train_loss":2,"after_step":6})"));
  const std::string python = std::getenv("QH_TENSORBOARD_PYTHON") != nullptr
                                 ? std::getenv("QH_TENSORBOARD_PYTHON")
                                 : "/usr/bin/python3";
  const std::string command =
      absl::StrCat(python, " " QH_SOURCE_DIR "/tests/launch/tensorboard/read_events.py ",
                   folder.path(), " >", folder / "read.json", " 2>", folder / "err.txt");
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)
    GTEST_SKIP() << "python3 with TensorBoard is not installed (QH_TENSORBOARD_PYTHON names one)";
  ASSERT_EQ(WEXITSTATUS(status), 0) << ReadFile(folder / "err.txt").value();
  const auto read = nlohmann::json::parse(ReadFile(folder / "read.json").value(), nullptr, false);
  EXPECT_EQ(read["scalars"]["step/loss"], nlohmann::json::parse("[[0, 0.5]]"));
  EXPECT_EQ(read["scalars"]["epoch/train_loss"], nlohmann::json::parse("[[5, 2.0]]"));
  EXPECT_EQ(read["hparams"]["train.epochs"], 10.0);
  EXPECT_EQ(read["hparams"]["model.conv"], "FULL");
  EXPECT_EQ(read["ended"], true);
}

}  // namespace
}  // namespace quadhop
