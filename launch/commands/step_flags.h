// The flags of the steps that make a store, declared once for the command of each step and for
// prep.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "launch/command_line/flags.h"
#include "partition/prep/prep.h"

namespace quadhop {

// The targets of the flags. Must outlive Parse.
struct StepFlags {
  PrepOptions prep;
  int64_t threads = 0;
  bool dry_run = false;
  std::string encode_prefix;  // before encode's flags
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

  // Flags::Parse; also copies what the steps share into the options of every step.
  absl::StatusOr<bool> Parse(Flags* flags, absl::Span<const std::string> arguments);
};

// Prints to stdout, at once.
void PrintLines(absl::string_view lines);

}  // namespace quadhop
