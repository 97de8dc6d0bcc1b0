// The flags of the steps that make a store, declared once: for the step's own command, and together
// for prep.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "launch/command_line/flags.h"
#include "partition/cuts/partition_store.h"
#include "partition/encodings/encode.h"
#include "partition/features/propagate.h"
#include "partition/import/import.h"
#include "partition/prep/prep_plan.h"

namespace quadhop {

// The targets of the flags. Must outlive Parse.
struct StepFlags {
  std::string store;
  int64_t threads = 0;
  uint64_t seed = 0;
  int64_t memory_bytes = 0;
  bool dry_run = false;
  ImportOptions import;
  PartitionOptions partition;
  EncodeOptions encode;
  std::string encode_prefix;  // of its flags
  PropagateOptions propagate;
  std::string dtype = "f32";
  std::string fail_at = "nowhere";

  void AddStore(Flags* flags);
  void AddSeed(Flags* flags);
  void AddThreads(Flags* flags);
  void AddFailAt(Flags* flags);
  void AddMemory(Flags* flags);  // and --dry-run
  void AddImport(Flags* flags);
  // `prefix` goes before names that two steps have: "", or in prep "partition-" and "encode-".
  void AddPartition(Flags* flags, const std::string& prefix);
  void AddEncode(Flags* flags, const std::string& prefix);
  void AddPropagate(Flags* flags);

  // Prints what the steps named need, and refuses what memory or the disk cannot hold. `shape`
  // lacks only what the flags say. kResourceExhausted.
  absl::Status PrintPlan(PrepShape shape, absl::Span<const char* const> steps) const;
  // False, saying so, if the input has to be read to know how large it is.
  absl::StatusOr<bool> PrintPlanOfInput(absl::Span<const char* const> steps) const;
  absl::Status PrintPlanOfStore(absl::Span<const char* const> steps) const;

  // Flags::Parse, and then the options of every step have what they share: store, seed, dtype.
  absl::StatusOr<bool> Parse(Flags* flags, absl::Span<const std::string> arguments);
};

}  // namespace quadhop
