// The files that predict writes: one row per selected node, gathered on rank 0 batch by batch.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/threads/thread_pool.h"
#include "launch/results/node_selection.h"
#include "launch/results/predict.h"
#include "launch/results/row_file.h"
#include "launch/session/session.h"

namespace quadhop {

// One object per rank. Memory: 32 MiB on rank 0, but at least a row of each rank.
class ResultFiles {
 public:
  // Borrows all three. Rank 0 reserves the files; its error is every rank's. Collective.
  static absl::StatusOr<std::unique_ptr<ResultFiles>> Create(const PredictJob& job,
                                                             Session& session,
                                                             const NodeSelection& selection);

  // Adds the rows of a batch of this rank; it may have no nodes. Collective.
  absl::Status Add(const Batch& batch, const Prediction& prediction);

  // To be called once all nodes were added: rank 0 gives the files their names, and says what it
  // wrote.
  absl::Status Finish();

 private:
  // One file: what is in it, and how a row is made.
  struct Result {
    std::string path;
    std::string what;    // "the predictions"
    std::string column;  // in the header of CSV: "class", or "class_0", ... if there are
                         // several
    DType dtype = DType::kF32;
    int64_t columns = 1;
    bool matrix = true;         // dims [rows, columns], else [rows]
    bool of_embedding = false;  // else of logits: columns, or values, have the names of classes
    // from: logits or embedding of a node. values: of 4 bytes each, [columns].
    std::function<void(absl::Span<const float> from, void* values)> fill;
    int64_t bytes() const { return columns * SizeOfDType(dtype); }
  };

  ResultFiles(Session& session, const NodeSelection& selection)
      : session_(session), selection_(selection) {}
  void Want(const PredictJob& job);
  absl::Status CreateFiles();
  int64_t RowBytes() const;  // in mine_
  absl::Status AddRows(const Batch& batch, const Prediction& prediction, BlockRange rows);
  RowFile::Text TextOf(const Result& result, NodeSelection::Names& names) const;

  Session& session_;
  const NodeSelection& selection_;
  std::vector<Result> results_;
  std::vector<std::string> class_names_;  // [C], or empty
  std::vector<RowFile> files_;            // of results_; rank 0 only
  std::vector<uint8_t> mine_;             // rows to send: the node, then the values of each result
};

}  // namespace quadhop
