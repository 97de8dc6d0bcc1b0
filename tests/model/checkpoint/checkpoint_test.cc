#include "model/checkpoint/checkpoint.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "core/files/checksum.h"
#include "model/checkpoint/checkpoint_export.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "model/checkpoint/checkpoint_transfer.h"
#include "model/checkpoint/safetensors.h"
#include "tests/model/checkpoint/checkpoint_testing.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<std::string> FilesOf(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string BytesOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(Checkpoint, IsReadBackInEveryBitOnAnyNumberOfRanks) {
  const TempDir folder;
  const std::string path = folder / "c";
  const Contents written = WriteTrained(2, path);
  EXPECT_TRUE(written.started);
  EXPECT_EQ(FilesOf(path),
            (std::vector<std::string>{"checkpoint.textproto", "codes.npy", "optimizer.safetensors",
                                      "weights.safetensors"}));
  const ToyGraph graph = Graph();
  for (const int32_t num_ranks : {1, 3, 4}) {
    std::vector<Contents> read(static_cast<size_t>(num_ranks));
    RunRanks(num_ranks, [&](Communicator& comm) {
      ToyRank rank(graph, Options(/*seed=*/2), comm);  // other weights and codes to begin with
      ASSERT_OK_AND_ASSIGN(const RunPosition position,
                           ReadCheckpoint(SubjectOf(rank, graph, comm), path));
      EXPECT_EQ(position.SerializeAsString(), Position(rank).SerializeAsString());
      read[static_cast<size_t>(comm.rank().value())] = ContentsOf(rank);
    });
    EXPECT_TRUE(Together(read) == written) << num_ranks << " ranks";
  }
}

// Trains to the end at one go, and with a stop in between, on other ranks.
void ExpectExactResume(int64_t stop) {
  const TempDir folder;
  WriteTrained(2, folder / "stop", stop);
  const ToyGraph graph = Graph();
  std::vector<Contents> resumed(4);
  RunRanks(4, [&](Communicator& comm) {
    ToyRank rank(graph, Options(), comm);
    ASSERT_OK(ReadCheckpoint(SubjectOf(rank, graph, comm), folder / "stop"));
    rank.adam().num_steps() = stop;
    TrainSteps(rank, graph, stop, stop + 3);
    resumed[static_cast<size_t>(comm.rank().value())] = ContentsOf(rank);
  });
  const std::unique_ptr<Communicator> solo = MakeSoloCommunicator();
  ToyRank rank(graph, Options(), *solo);
  TrainSteps(rank, graph, 0, stop + 3);
  EXPECT_TRUE(Together(resumed) == ContentsOf(rank));
}

TEST(Checkpoint, TrainingGoesOnFromItInEveryDigit) { ExpectExactResume(kSteps); }

TEST(Checkpoint, TrainingGoesOnFromOneWrittenBeforeTheCodebookStarted) {
  const ToyGraph graph = Graph();
  const std::unique_ptr<Communicator> solo = MakeSoloCommunicator();
  ToyRank rank(graph, Options(), *solo);
  TrainSteps(rank, graph, 0, 1);
  ASSERT_FALSE(rank.model().codebook()->started());  // 28 queries are wanted
  TrainSteps(rank, graph, 1, 2);
  ASSERT_TRUE(rank.model().codebook()->started());
  ExpectExactResume(1);
}

TEST(Checkpoint, AByteChangedInAnyFileIsSeenAndTheFileNamed) {
  const TempDir folder;
  const std::string path = folder / "c";
  WriteTrained(2, path);
  ASSERT_OK(VerifyCheckpoint(path));
  for (const std::string& name : FilesOf(path)) {
    const std::string file = path + "/" + name, bytes = BytesOf(file);
    const size_t step = std::max<size_t>(1, bytes.size() / 23);
    for (size_t at = 0; at < bytes.size(); at += step) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      WriteBytes(file, damaged);
      EXPECT_THAT(VerifyCheckpoint(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(file)))
          << "byte " << at;
    }
    WriteBytes(file, bytes.substr(0, bytes.size() - 1));
    EXPECT_THAT(VerifyCheckpoint(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(file)));
    WriteBytes(file, bytes);
  }
  EXPECT_OK(VerifyCheckpoint(path));
}

TEST(Checkpoint, AManifestThatListsFilesOutsideItsFolderIsRefused) {
  const TempDir folder;
  const std::string path = folder / "c";
  WriteTrained(1, path);
  ASSERT_OK_AND_ASSIGN(const CheckpointManifest whole, ReadCheckpointManifest(path));
  for (const char* name : {"../weights.safetensors", "/etc/passwd", "codes-x/../../secret.npy",
                           "codes-.npy", "codes-1.npy/../x", "", ".."}) {
    CheckpointManifest manifest = whole;
    manifest.mutable_files(0)->set_name(name);
    ASSERT_OK(WriteCheckpointManifest(manifest, path));
    EXPECT_THAT(ReadCheckpointManifest(path).status(),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not a file of a checkpoint")))
        << name;
  }
}

TEST(Checkpoint, OfALaterVersionIsToldFromADamagedOne) {
  const TempDir folder;
  const std::string path = folder / "c", manifest = path + "/checkpoint.textproto";
  WriteTrained(1, path);
  std::string text = BytesOf(manifest);
  text = text.substr(0, text.find("checksum: "));
  text.replace(text.find("format_version: 2"), 17, "format_version: 3\nnew_field { x: 1 }");
  WriteBytes(manifest, text + ChecksumLine(text));
  EXPECT_THAT(ReadCheckpointManifest(path).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(manifest), HasSubstr("format version 3"))));
  WriteBytes(manifest, text + ChecksumLine("other"));
  EXPECT_THAT(ReadCheckpointManifest(path).status(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(Checkpoint, AMissingFileIsNamed) {
  const TempDir folder;
  const std::string path = folder / "c";
  WriteTrained(1, path);
  for (const std::string& name : FilesOf(path)) {
    std::filesystem::rename(path + "/" + name, folder / "aside");
    EXPECT_THAT(VerifyCheckpoint(path),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr(path + "/" + name)));
    std::filesystem::rename(folder / "aside", path + "/" + name);
  }
  EXPECT_THAT(VerifyCheckpoint(folder / "nowhere"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere")));
}

TEST(Checkpoint, OfAnotherStoreOrOtherDimsIsRefused) {
  const TempDir folder;
  const std::string path = folder / "c";
  WriteTrained(1, path);
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  const ToyGraph graph = Graph();
  ToyRank rank(graph, Options(), *comm);
  EXPECT_THAT(ReadCheckpoint(SubjectOf(rank, graph, *comm, "fedcba9876543210"), path),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(kStore), HasSubstr("fedcba9876543210"))));
  LargeGTOptions wider = Options();
  wider.dims.width = 8;
  ToyRank other(graph, wider, *comm);
  EXPECT_THAT(
      ReadCheckpoint(SubjectOf(other, graph, *comm), path),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("fc_in.0.weight"), HasSubstr("[6, 5]"), HasSubstr("[8, 5]"))));
}

TEST(Checkpoint, AWriteThatFailsLeavesWhatWasThere) {
  const TempDir folder;
  const std::string path = folder / "c";
  const Contents written = WriteTrained(2, path);
  const ToyGraph graph = Graph();
  // Files cannot grow past 600 bytes: a disk that is full.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{600, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::vector<absl::Status> statuses(2);
  RunRanks(2, [&](Communicator& comm) {
    ToyRank rank(graph, Options(), comm);
    statuses[static_cast<size_t>(comm.rank().value())] = Write(rank, graph, comm, path);
  });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(statuses[0].ok());
  EXPECT_THAT(statuses[0].message(), HasSubstr("optimizer.safetensors"));
  EXPECT_THAT(statuses[1], StatusIs(absl::StatusCode::kAborted,
                                    AllOf(HasSubstr("rank 0"), HasSubstr("ulimit -f"))));
  EXPECT_EQ(FilesOf(folder.path()), std::vector<std::string>{"c"});
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(2), *comm);
  EXPECT_OK(ReadCheckpoint(SubjectOf(rank, graph, *comm), path));
  EXPECT_TRUE(ContentsOf(rank) == written);
}

TEST(Checkpoint, AFolderThatCannotBeMadeIsAnErrorOnEveryRank) {
  const TempDir folder;
  WriteBytes(folder / "file", "not a folder");
  const ToyGraph graph = Graph();
  RunRanks(2, [&](Communicator& comm) {
    ToyRank rank(graph, Options(), comm);
    EXPECT_FALSE(Write(rank, graph, comm, folder / "file/c").ok());
  });
}

TEST(Checkpoint, ANewOneTakesTheOldOnesPlaceAndLeavesNothingBeside) {
  const TempDir folder;
  const std::string path = folder / "c";
  const Contents first = WriteTrained(2, path);
  const Contents second = WriteTrained(1, path, kSteps + 1);
  EXPECT_FALSE(first == second);
  EXPECT_EQ(FilesOf(folder.path()), std::vector<std::string>{"c"});
  const ToyGraph graph = Graph();
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(2), *comm);
  ASSERT_OK(ReadCheckpoint(SubjectOf(rank, graph, *comm), path));
  EXPECT_EQ(StateOf(rank.model()), second.state);
}

TEST(Checkpoint, AFileThatSomebodyElsePutThereIsNotRemoved) {
  const TempDir folder;
  const std::string path = folder / "c";
  WriteTrained(1, path);
  WriteBytes(path + "/notes.txt", "mine");
  ASSERT_OK(RemoveCheckpoint(path));
  EXPECT_EQ(FilesOf(path), std::vector<std::string>{"notes.txt"});
  std::filesystem::remove(path + "/notes.txt");
  ASSERT_OK(RemoveCheckpoint(path));
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_OK(RemoveCheckpoint(path));
  WriteBytes(path, "a file in the place of a checkpoint");
  EXPECT_OK(RemoveCheckpoint(path));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Checkpoint, ThereIsOneAtAnyMomentWhileItIsReplaced) {
  const TempDir folder;
  const std::string path = folder / "c";
  std::filesystem::create_directory(folder / "a");
  std::filesystem::create_directory(folder / "b");
  if (renameat2(AT_FDCWD, (folder / "a").c_str(), AT_FDCWD, (folder / "b").c_str(),
                RENAME_EXCHANGE) != 0)
    GTEST_SKIP() << "the file system of " << folder.path() << " cannot exchange folders";
  WriteTrained(1, path, 1);
  std::atomic<bool> stop = false;
  std::atomic<int64_t> num_missing = 0;
  std::thread watcher([&] {
    while (!stop) num_missing += std::filesystem::exists(path) ? 0 : 1;
  });
  const ToyGraph graph = Graph();
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(), *comm);
  for (int i = 0; i < 20; ++i) EXPECT_OK(Write(rank, graph, *comm, path));
  stop = true;
  watcher.join();
  EXPECT_EQ(num_missing, 0);
}

TEST(Checkpoint, IsExportedWithCodesInTheOrderOfTheInput) {
  const TempDir folder;
  const Contents written = WriteTrained(2, folder / "c");
  const ToyGraph graph = Graph();
  const std::string out = folder / "model.safetensors";
  ASSERT_OK(ExportWeights(folder / "c", NodesOfStore{kStore, graph.original_ids}, {}, out));
  ASSERT_OK_AND_ASSIGN(const SafetensorsFile file, SafetensorsFile::Open(out));
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> codes, file.ReadAsInt64("convs.0.c_idx"));
  ASSERT_EQ(codes.size(), written.codes.size());
  for (size_t v = 0; v < codes.size(); ++v)
    EXPECT_EQ(codes[static_cast<size_t>(graph.original_ids[v])], written.codes[v]);
  // The weights come back under the paper's names.
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(2), *comm);
  ASSERT_OK(ReadWeights(out, /*all_required=*/true, rank.model()));
  EXPECT_EQ(StateOf(rank.model()), written.state);
  EXPECT_THAT(
      ExportWeights(folder / "c", NodesOfStore{"fedcba9876543210", graph.original_ids}, {}, out),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr(kStore), HasSubstr("fedcba9876543210"))));
  ASSERT_OK(ExportWeights(folder / "c", absl::nullopt, {}, folder / "bare.safetensors"));
  ASSERT_OK_AND_ASSIGN(const SafetensorsFile bare,
                       SafetensorsFile::Open(folder / "bare.safetensors"));
  EXPECT_EQ(bare.names().size() + 1, file.names().size()) << "all but the codes";
  // Of another number of nodes.
  const absl::Span<const int64_t> fewer = absl::MakeConstSpan(graph.original_ids).first(59);
  EXPECT_THAT(ExportWeights(folder / "c", NodesOfStore{kStore, fewer}, {}, out),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("59")));
  std::vector<int64_t> more = graph.original_ids;
  more.push_back(60);
  EXPECT_THAT(ExportWeights(folder / "c", NodesOfStore{kStore, more}, {}, out),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("61")));
  std::vector<int64_t> beyond = graph.original_ids;
  beyond[7] = 60;
  EXPECT_THAT(ExportWeights(folder / "c", NodesOfStore{kStore, beyond}, {}, out),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("original id 60")));
}

TEST(Checkpoint, ExportedWeightsGoOnWithTheirCodesAndCentroids) {
  const TempDir folder;
  const Contents written = WriteTrained(2, folder / "c");
  ASSERT_TRUE(written.started);
  const ToyGraph graph = Graph();
  const std::string out = folder / "model.safetensors";
  ASSERT_OK(ExportWeights(folder / "c", NodesOfStore{kStore, graph.original_ids}, {}, out));
  std::vector<Contents> contents(3);
  RunRanks(3, [&](Communicator& comm) {
    ToyRank rank(graph, Options(2), comm);
    EXPECT_EQ(
        ImportWeights(out, rank.OwnedOriginalIds(), graph.num_nodes(), comm, rank.model()).value(),
        "");
    contents[static_cast<size_t>(comm.rank().value())] = ContentsOf(rank);
  });
  const Contents read = Together(contents);
  EXPECT_EQ(read.state, written.state);
  EXPECT_EQ(read.codes, written.codes);
  EXPECT_EQ(read.counts, written.counts);
  EXPECT_TRUE(read.started);
}

TEST(Checkpoint, ImportedWeightsSayWhatTheFileLacksAndWhatIsNotUsed) {
  const TempDir folder;
  const ToyGraph graph = Graph();
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(2), *comm);
  const StateArray first = rank.model().State().front();
  const std::string out = folder / "model.safetensors";
  const auto import = [&](const std::vector<std::string>& names) {
    std::vector<NamedTensor> tensors;
    for (const std::string& name : names)
      tensors.push_back(
          {name, DType::kF32, first.dims, reinterpret_cast<const uint8_t*>(first.floats.data())});
    EXPECT_OK(WriteSafetensors(out, tensors, {}));
    return ImportWeights(out, rank.OwnedOriginalIds(), graph.num_nodes(), *comm, rank.model());
  };
  EXPECT_THAT(import({"module." + first.name}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("none of the model's"), HasSubstr("module."))));
  const absl::StatusOr<std::string> rest = import({first.name, "nonsense"});
  ASSERT_OK(rest);
  EXPECT_THAT(*rest,
              AllOf(HasSubstr("lacks"), HasSubstr("not used: 1 of 2"), HasSubstr("nonsense")));
}

TEST(Checkpoint, AppliedToOtherNodesKeepsTheCountsOfThoseItWasTrainedOn) {
  const TempDir folder;
  const Contents written = WriteTrained(2, folder / "c");
  const ToyGraph other = MakeToyGraph(Options().dims, {0, 5, 9});
  RunRanks(2, [&](Communicator& comm) {
    ToyRank rank(other, Options(2), comm);
    EXPECT_OK(ReadCheckpointOfOtherStore(folder / "c", rank.model()));
    EXPECT_EQ(ContentsOf(rank).state, written.state);
    EXPECT_EQ(ContentsOf(rank).counts, written.counts);
  });
}

}  // namespace
}  // namespace quadhop
