#include "launch/cluster/hostfile.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "core/threads/thread_pool.h"
#include "launch/cluster/shell.h"
#include "launch/command_line/version.h"

namespace quadhop {
namespace {

// Exit codes of the remote question; ssh's own failure is 255.
constexpr int kNoFolder = 91, kNoProgram = 92, kNoStore = 93;

constexpr int kQuestionsAtOnce = 256;

absl::StatusOr<Host> ParseLine(absl::string_view line, int64_t number, const std::string& path) {
  Host host;
  host.line = number;
  for (const absl::string_view word :
       absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty())) {
    absl::string_view value = word;
    if (host.name.empty()) {
      host.name = std::string(word);
    } else if (absl::ConsumePrefix(&value, "slots=")) {
      if (!absl::SimpleAtoi(value, &host.slots) || host.slots < 1)
        return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": slots is '", value,
                                                       "'; allowed: a whole number of 1 or more"));
    } else if (!absl::StartsWith(word, "max_slots=") && !absl::StartsWith(word, "max-slots=")) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": '", word, "' is not known; a line is NAME [slots=N]"));
    }
  }
  return host;
}

bool IsThisHost(const std::string& name) {
  if (name == "localhost" || name == "127.0.0.1") return true;
  std::array<char, 256> own = {};
  if (gethostname(own.data(), own.size() - 1) != 0) return false;
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(own.data(), absl::MaxSplits('.', 1));
  return name == own.data() || name == parts.first;
}

std::string RemoteShell() {
  if (const char* agent = std::getenv("OMPI_MCA_plm_rsh_agent"); agent != nullptr) return agent;
  return "ssh -oBatchMode=yes -oConnectTimeout=10";
}

// "" if the host can run the job.
std::string FaultOf(const Host& host, const std::string& folder, const std::string& store) {
  std::string question = absl::StrCat("cd ", ShellWord(folder), " || exit ", kNoFolder, "; ",
                                      ShellWord(OwnProgram()), " --version || exit ", kNoProgram);
  if (!store.empty())
    absl::StrAppend(&question, "; test -r ",
                    ShellWord(absl::StrCat(store, "/", kStoreManifestName)), " || exit ", kNoStore);
  const absl::StatusOr<ShellOutcome> answer =
      RunInShell(absl::StrCat(RemoteShell(), " ", ShellWord(host.name), " ", ShellWord(question)));
  if (!answer.ok()) return std::string(answer.status().message());
  const std::string said =
      answer->output.empty()
          ? ""
          : absl::StrCat(" (", absl::StrReplaceAll(answer->output, {{"\n", "; "}}), ")");
  switch (answer->exit_code) {
    case 0:
      break;
    case kNoFolder:
      return absl::StrCat("has no folder ", folder, ": start from one that all hosts have");
    case kNoProgram:
      return absl::StrCat("cannot run ", OwnProgram(), said, ": install the same quadhop there");
    case kNoStore:
      return absl::StrCat("has no store ", store,
                          ": copy it there, or put it on a file system that all hosts share");
    default:
      return absl::StrCat("cannot be reached by ", RemoteShell(), said,
                          ": correct the hostfile, or let that command log in without a password");
  }
  const std::string version = absl::StrCat("quadhop ", kVersion);
  if (!absl::StrContains(answer->output, version))
    return absl::StrCat("has another version", said, ", this is ", version,
                        ": install the same quadhop there");
  return "";
}

}  // namespace

absl::StatusOr<std::vector<Host>> ReadHostfile(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, int64_t{16} << 20));
  std::vector<Host> hosts;
  int64_t number = 0;
  for (absl::string_view line : absl::StrSplit(absl::StripPrefix(text, kByteOrderMark), '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    QH_ASSIGN_OR_RETURN(Host host, ParseLine(line, number, path));
    hosts.push_back(std::move(host));
  }
  if (hosts.empty())
    return absl::InvalidArgumentError(
        absl::StrCat(path, " names no hosts; a line is NAME [slots=N]"));
  return hosts;
}

std::string HostsForMpirun(absl::Span<const Host> hosts) {
  return absl::StrJoin(hosts, ",", [](std::string* out, const Host& host) {
    absl::StrAppend(out, host.name, ":", host.slots);
  });
}

absl::Status CheckHosts(absl::Span<const Host> hosts, const std::string& store) {
  std::error_code error;
  const std::string folder = std::filesystem::current_path(error).string();
  std::vector<std::string> faults(hosts.size());
  ThreadPool pool(std::clamp(static_cast<int>(hosts.size()), 1, kQuestionsAtOnce));
  pool.ParallelFor(static_cast<int64_t>(hosts.size()), [&](int64_t host, int) {
    const auto i = static_cast<size_t>(host);
    if (!IsThisHost(hosts[i].name)) faults[i] = FaultOf(hosts[i], folder, store);
  });
  std::vector<std::string> lines;
  for (size_t i = 0; i < hosts.size(); ++i)
    if (!faults[i].empty())
      lines.push_back(
          absl::StrCat("host ", hosts[i].name, " (line ", hosts[i].line, ") ", faults[i]));
  if (lines.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(lines, "\n"));
}

}  // namespace quadhop
