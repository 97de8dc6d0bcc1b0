// quadhop export --run RUN --out FILE.safetensors
#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/commands/paths.h"
#include "launch/results/export.h"

namespace quadhop {

absl::StatusOr<ExitCode> ExportCommand(absl::Span<const std::string> arguments) {
  CheckpointFlags exported;
  exported.finds_store = false;  // Export does, if it needs one
  bool without_codes = false;
  std::string out;
  Flags flags("export",
              "Writes the weights of a checkpoint as safetensors, under the names that the paper's "
              "code uses.");
  exported.AddRun(&flags);
  exported.AddStore(&flags);
  flags.String("out", &out, "FILE.safetensors", "the file to write").Required();
  flags.Switch(
      "without-codes", &without_codes,
      "leave out the codes of nodes, for which the store of the run is needed (quadhop and the "
      "paper's code take codes of their own then)");
  flags.Example("export --run runs/quickstart --out model.safetensors");
  QH_ASSIGN_OR_RETURN(const bool proceed, exported.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  if (without_codes) QH_RETURN_IF_ERROR(flags.CheckExcluded("without-codes", {"store"}));
  QH_RETURN_IF_ERROR(CheckOutput("out", out, {".safetensors"}));
  QH_RETURN_IF_ERROR(Export(exported.job, /*with_codes=*/!without_codes, out));
  return ExitCode::kDone;
}

}  // namespace quadhop
