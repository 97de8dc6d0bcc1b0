// A little training job whose checkpoints tests write and read.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/checkpoint_snapshot.h"
#include "model/checkpoint/checkpoint_writer.h"
#include "tests/model/toy_job.h"
#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {

inline constexpr char kStore[] = "0123456789abcdef";
inline constexpr int64_t kSteps = 3;

inline LargeGTOptions Options(uint64_t seed = 1) {
  LargeGTOptions options;
  options.dims = {.features = 5,
                  .sampled = 3,
                  .pos_enc = 3,
                  .width = 6,
                  .heads = 2,
                  .centroids = 7,
                  .classes = 3};
  options.seed = seed;
  return options;
}

inline ToyGraph Graph() { return MakeToyGraph(Options().dims, {0, 12, 31, 32, 60}); }

inline RunPosition Position(ToyRank& rank) {
  RunPosition position;
  position.set_step(kSteps);
  position.set_epoch(1);
  position.set_best_valid(0.1);
  position.add_epoch_seconds(0.3);
  position.set_codebook_started(rank.model().codebook()->started());
  return position;
}

inline CheckpointSubject SubjectOf(ToyRank& rank, const ToyGraph& graph, Communicator& comm,
                                   const std::string& store = kStore) {
  return {rank.model(), &rank.adam(), comm, rank.owners(), graph.partition_offsets, store};
}

inline absl::Status Write(ToyRank& rank, const ToyGraph& graph, Communicator& comm,
                          const std::string& path) {
  QH_ASSIGN_OR_RETURN(CheckpointSnapshot snapshot,
                      TakeSnapshot(SubjectOf(rank, graph, comm), Position(rank)));
  return WriteCheckpoint(comm, {std::move(snapshot), path, {}, {}});
}

inline void TrainSteps(ToyRank& rank, const ToyGraph& graph, int64_t begin, int64_t end) {
  for (int64_t step = begin; step < end; ++step) rank.Train(step, ToyNodes(graph, 0.5, step));
}

// Everything a checkpoint is to keep, of the whole job.
struct Contents {
  std::vector<float> state, first_moment, second_moment;
  std::vector<int64_t> counts;
  std::vector<int16_t> codes;  // [N], put together by rank
  int64_t adam_steps = 0;
  bool started = false;

  bool operator==(const Contents&) const = default;
};

inline Contents ContentsOf(ToyRank& rank) {
  Contents c;
  c.state = StateOf(rank.model());
  c.first_moment = ToHost(rank.model().memory(), rank.adam().first_moment());
  c.second_moment = ToHost(rank.model().memory(), rank.adam().second_moment());
  Codebook& book = *rank.model().codebook();
  c.counts = book.counts();
  c.codes = book.codes();
  c.adam_steps = rank.adam().num_steps();
  c.started = book.started();
  return c;
}

inline Contents Together(const std::vector<Contents>& ranks) {
  Contents all = ranks[0];
  for (size_t r = 1; r < ranks.size(); ++r) {
    Contents same = ranks[r];
    same.codes = ranks[0].codes;
    EXPECT_TRUE(same == ranks[0]) << "rank " << r;
    all.codes.insert(all.codes.end(), ranks[r].codes.begin(), ranks[r].codes.end());
  }
  return all;
}

// Trains on so many ranks and writes a checkpoint.
inline Contents WriteTrained(int32_t num_ranks, const std::string& path, int64_t steps = kSteps) {
  const ToyGraph graph = Graph();
  std::vector<Contents> contents(static_cast<size_t>(num_ranks));
  RunRanks(num_ranks, [&](Communicator& comm) {
    ToyRank rank(graph, Options(), comm);
    TrainSteps(rank, graph, 0, steps);
    contents[static_cast<size_t>(comm.rank().value())] = ContentsOf(rank);
    EXPECT_OK(Write(rank, graph, comm, path));
  });
  return Together(contents);
}

}  // namespace quadhop
