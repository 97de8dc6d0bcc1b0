// Writing checkpoints in the background.
#include "model/checkpoint/checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include "model/checkpoint/checkpoint_parts.h"
#include "tests/model/checkpoint/checkpoint_testing.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

std::vector<CheckpointWrite> WritesOf(CheckpointWrite write) {
  std::vector<CheckpointWrite> writes;
  writes.push_back(std::move(write));
  return writes;
}

// What is written is the state at the time of the snapshot, whatever training does meanwhile.
TEST(CheckpointWriter, WritesInTheBackgroundWhatWasCopied) {
  const TempDir folder;
  const ToyGraph graph = Graph();
  std::vector<Contents> contents(2);
  RunRanks(2, [&](Communicator& comm) {
    ToyRank rank(graph, Options(), comm);
    TrainSteps(rank, graph, 0, kSteps);
    contents[static_cast<size_t>(comm.rank().value())] = ContentsOf(rank);
    ASSERT_OK_AND_ASSIGN(const auto writer, CheckpointWriter::Create(comm));
    ASSERT_OK_AND_ASSIGN(CheckpointSnapshot snapshot,
                         TakeSnapshot(SubjectOf(rank, graph, comm), Position(rank)));
    writer->Start(WritesOf({std::move(snapshot), folder / "c", {}, {}}));
    TrainSteps(rank, graph, kSteps, kSteps + 3);
    ASSERT_OK_AND_ASSIGN(const auto outcomes, writer->Wait());
    ASSERT_EQ(outcomes.size(), 1u);
    EXPECT_OK(outcomes[0].status);
    EXPECT_EQ(outcomes[0].position.step(), kSteps);
    uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder / "c"))
      bytes += file.file_size();
    EXPECT_EQ(outcomes[0].bytes, comm.rank() == Rank(0) ? static_cast<int64_t>(bytes) : 0);
    ASSERT_OK_AND_ASSIGN(const auto no_other, writer->Wait());
    EXPECT_TRUE(no_other.empty());
  });
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(2), *comm);
  ASSERT_OK(ReadCheckpoint(SubjectOf(rank, graph, *comm), folder / "c"));
  EXPECT_TRUE(ContentsOf(rank) == Together(contents));
}

// Before the codebook starts, queries are part of it; of one that was written later they are not.
TEST(CheckpointWriter, TheMemoryOfASnapshotIsTakenAgain) {
  const TempDir folder;
  const ToyGraph graph = Graph();
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(), *comm);
  TrainSteps(rank, graph, 0, 1);
  ASSERT_FALSE(rank.model().codebook()->started());
  ASSERT_OK_AND_ASSIGN(const auto writer, CheckpointWriter::Create(*comm));
  ASSERT_OK_AND_ASSIGN(CheckpointSnapshot first,
                       TakeSnapshot(SubjectOf(rank, graph, *comm), Position(rank)));
  ASSERT_EQ(first.tensors.count(kCandidatesFile), 1u);
  const uint8_t* const weights = first.tensors.at(kWeightsFile)[0].bytes.data();
  const int16_t* const codes = first.codes.data();
  writer->Start(WritesOf({std::move(first), folder / "first", {}, {}}));
  ASSERT_OK_AND_ASSIGN(auto outcomes, writer->Wait());
  TrainSteps(rank, graph, 1, kSteps);
  ASSERT_TRUE(rank.model().codebook()->started());
  ASSERT_OK_AND_ASSIGN(CheckpointSnapshot second,
                       TakeSnapshot(SubjectOf(rank, graph, *comm), Position(rank),
                                    std::move(outcomes.at(0).written)));
  EXPECT_EQ(second.tensors.at(kWeightsFile)[0].bytes.data(), weights);
  EXPECT_EQ(second.codes.data(), codes);
  ASSERT_OK(WriteCheckpoint(*comm, {std::move(second), folder / "second", {}, {}}));
  const Contents contents = ContentsOf(rank);
  ToyRank other(graph, Options(), *comm);
  ASSERT_OK(ReadCheckpoint(SubjectOf(other, graph, *comm), folder / "second"));
  EXPECT_TRUE(ContentsOf(other) == contents);
}

TEST(CheckpointWriter, AWriteThatFailsOnOneRankFailsOnAllAndTheNextSucceeds) {
  const TempDir folder;
  const ToyGraph graph = Graph();
  RunRanks(2, [&](Communicator& comm) {
    ToyRank rank(graph, Options(), comm);
    ASSERT_OK_AND_ASSIGN(const auto writer, CheckpointWriter::Create(comm));
    for (const bool fails : {true, false}) {
      ASSERT_OK_AND_ASSIGN(CheckpointSnapshot snapshot,
                           TakeSnapshot(SubjectOf(rank, graph, comm), Position(rank)));
      const auto hook = [&comm, fails](WritePoint point) -> absl::Status {
        if (fails && comm.rank() == Rank(1) && point == WritePoint::kFilesWritten)
          return absl::ResourceExhaustedError("disk full: /scratch/caf\xe9");  // a path in Latin-1
        return absl::OkStatus();
      };
      writer->Start(WritesOf({std::move(snapshot), folder / "c", hook, {}}));
      ASSERT_OK_AND_ASSIGN(const auto outcomes, writer->Wait());
      ASSERT_EQ(outcomes.size(), 1u);
      EXPECT_EQ(outcomes[0].status.ok(), !fails);
      EXPECT_THAT(outcomes[0].status.message(), HasSubstr(fails ? "disk full" : ""));
      EXPECT_EQ(std::filesystem::exists(folder / "c"), !fails);
    }
  });
}

TEST(CheckpointWriter, RunningOutOfMemoryInTheBackgroundIsAnErrorOfTheNextWait) {
  const TempDir folder;
  const ToyGraph graph = Graph();
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(2), *comm);
  ASSERT_OK_AND_ASSIGN(const auto writer, CheckpointWriter::Create(*comm));
  ASSERT_OK_AND_ASSIGN(CheckpointSnapshot snapshot,
                       TakeSnapshot(SubjectOf(rank, graph, *comm), Position(rank)));
  const auto hook = [](WritePoint) -> absl::Status { throw std::bad_alloc(); };
  writer->Start(WritesOf({std::move(snapshot), folder / "c", hook, {}}));
  EXPECT_THAT(writer->Wait(), StatusIs(absl::StatusCode::kResourceExhausted,
                                       HasSubstr("out of memory while writing a checkpoint")));
  EXPECT_FALSE(std::filesystem::exists(folder / "c"));
}

TEST(CheckpointWriter, GivesBackWhatCouldNotBeWrittenAndWritesItBeforeAnother) {
  const TempDir folder;
  const ToyGraph graph = Graph();
  RunRanks(2, [&](Communicator& comm) {
    ToyRank rank(graph, Options(), comm);
    TrainSteps(rank, graph, 0, kSteps);
    ASSERT_OK_AND_ASSIGN(const auto writer, CheckpointWriter::Create(comm));
    const auto write = [&](const std::string& path, WriteHook hook) {
      return CheckpointWrite{TakeSnapshot(SubjectOf(rank, graph, comm), Position(rank)).value(),
                             path,
                             std::move(hook),
                             {}};
    };
    bool full = true;
    writer->Start(WritesOf(write(folder / "first", [&full](WritePoint) -> absl::Status {
      return std::exchange(full, false) ? absl::ResourceExhaustedError("disk full")
                                        : absl::OkStatus();
    })));
    const Contents first = ContentsOf(rank);
    TrainSteps(rank, graph, kSteps, kSteps + 2);
    ASSERT_OK_AND_ASSIGN(auto failed, writer->Wait());
    ASSERT_FALSE(failed.at(0).status.ok());
    std::vector<CheckpointWrite> writes = WritesOf(std::move(failed[0].unwritten));
    writes.push_back(write(folder / "second", {}));
    writer->Start(std::move(writes));
    ASSERT_OK_AND_ASSIGN(const auto outcomes, writer->Wait());
    ASSERT_EQ(outcomes.size(), 2u);
    EXPECT_OK(outcomes[1].status);
    ASSERT_NE(ContentsOf(rank).state, first.state);
    ASSERT_OK(ReadCheckpoint(SubjectOf(rank, graph, comm), folder / "first"));
    EXPECT_EQ(ContentsOf(rank).state, first.state);
  });
}

}  // namespace
}  // namespace quadhop
