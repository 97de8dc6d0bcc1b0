// What a run left in its folder, as the report reads it.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/optional.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "launch/config.pb.h"

namespace quadhop {

// A curve over epochs or steps.
using Points = std::vector<std::pair<double, double>>;

// Counts of one part of a split (results/evaluation_detail.h).
struct PartDetail {
  struct Degrees {
    int64_t from = 0, nodes = 0, right = 0;
  };
  std::vector<std::vector<int64_t>> confusion;  // [C][C]; empty: not recorded
  std::vector<Degrees> degrees;
};

// What is absent from the folder is empty here.
struct RunRecord {
  std::string path;
  std::string name;            // the last parts of the path by which runs differ
  std::string store;           // its path
  std::string store_identity;  // its checksum when the run began
  std::vector<std::pair<std::string, std::string>> made_of;  // the data: each step of the store
                                                             // with its options, the split, the
                                                             // initial weights
  Config config;
  Points step_losses;                    // by step
  std::map<std::string, Points> epochs;  // every number of the epochs' lines by epoch:
                                         // "train_loss", "loading.busy_sample_seconds"
  std::map<std::string, double> summary;
  std::map<std::string, std::string> machine;  // as text, by name; hosts: "n1 (2 ranks), n2"
  PartDetail valid, test;
  int64_t detail_epoch = 0;  // of the evaluation that valid and test come from
  std::vector<int64_t> codebook_counts;

  // The median of a number over the epochs; nothing if no epoch has it.
  absl::optional<double> Median(const std::string& number) const;
};

// kNotFound: no such run. kDataLoss, naming the file and the line, for what is not JSON; a last
// line that is cut off is skipped.
absl::StatusOr<RunRecord> ReadRunRecord(const std::string& run);

// The last parts of each path, as few as tell different paths apart.
std::vector<std::string> ShortNames(const std::vector<std::string>& paths);

// Gives each record the shortest name that tells it from the others.
void NameRuns(std::vector<RunRecord>& runs);

}  // namespace quadhop
