#include "launch/cluster/mpirun.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <unistd.h>

#include "launch/cluster/shell.h"

namespace quadhop {
namespace {

// Names of variables that ranks on other hosts need and a remote shell does not pass on.
std::vector<std::string> VariablesToHandOn() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(*variable, absl::MaxSplits('=', 1));
    const std::string& name = parts.first;
    if (name == "LD_LIBRARY_PATH" || name == "CUDA_VISIBLE_DEVICES" ||
        absl::StartsWith(name, "NCCL_") || absl::StartsWith(name, "UCX_"))
      names.push_back(name);
  }
  return names;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> MpirunCommand(const MpirunOptions& options,
                                                       absl::Span<const std::string> job) {
  if (FindInPath("mpirun").empty())
    return absl::UnavailableError(
        "there is no mpirun in PATH: install openmpi-bin, or load the cluster's Open MPI module");
  // --quiet: exit codes other than 0 are reported by launch, better than by mpirun.
  std::vector<std::string> command = {"mpirun", "--quiet", "--oversubscribe", "--bind-to", "none"};
  const auto add = [&command](std::initializer_list<std::string> words) {
    command.insert(command.end(), words);
  };
  if (geteuid() == 0) add({"--allow-run-as-root"});
  // On this machine alone mpirun itself starts all ranks, so ssh need not be there.
  if (options.hosts.empty()) add({"--mca", "plm", "isolated"});
  add({"--mca", "ras", "^slurm"});
  // Daemons would map a copy of the machine's topology where they find room, and crash one time in
  // ten on recent kernels (Open MPI 4.1, hwloc 2.9). Without the copy, ranks inspect the machine
  // themselves.
  add({"--mca", "rtc_hwloc_vmhole", "none"});
  if (options.hosts.empty()) {
    add({"--host", absl::StrCat("localhost:", options.ranks)});
  } else {
    add({"--host", options.hosts});
    for (const std::string& name : VariablesToHandOn()) add({"-x", name});
  }
  if (!options.network.empty())
    add({"--mca", "oob_tcp_if_include", options.network, "--mca", "btl_tcp_if_include",
         options.network});
  add({"-n", absl::StrCat(options.ranks), OwnProgram()});
  command.insert(command.end(), job.begin(), job.end());
  return command;
}

}  // namespace quadhop
