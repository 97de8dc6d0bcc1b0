// Every command that README.md and docs/ show is one that the program takes: its command and flags
// are checked against --help, and scripts must be there.
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "core/files/file.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Words = std::vector<std::string>;

struct ShownCommand {
  std::string place;  // "docs/tutorial.md: quadhop prep ..."
  Words words;
};

// The indented blocks of a page: their lines, those that end in a backslash joined with the next.
std::vector<ShownCommand> CommandsOf(const std::string& name, const std::string& text) {
  std::vector<ShownCommand> commands;
  std::string line;
  bool fenced = false;  // a picture
  for (const absl::string_view part : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(part, "```")) fenced = !fenced;
    const bool begun = !line.empty();
    if (fenced || (!begun && !absl::StartsWith(part, "    "))) continue;
    absl::StrAppend(&line, absl::StripAsciiWhitespace(part));
    if (absl::EndsWith(line, "\\")) {
      line.back() = ' ';
      continue;
    }
    const std::string code = line.substr(0, line.find(" #"));
    commands.push_back(
        {absl::StrCat(name, ": ", line), absl::StrSplit(code, ' ', absl::SkipEmpty())});
    line.clear();
  }
  return commands;
}

// What is wrong with `quadhop words...`; "" if nothing.
std::string FaultOf(absl::Span<const std::string> words) {
  if (words.empty() || absl::StartsWith(words[0], "--")) return "";
  Words help = {words[0]};
  if ((help[0] == "launch" || help[0] == "bench") && words.size() > 1) help.push_back(words[1]);
  help.push_back("--help");
  const Outcome shown = Quadhop(help);
  if (shown.code != ExitCode::kDone) return absl::StrCat("no command ", help[0]);
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--") return FaultOf(words.subspan(i + 1));
    if (words[i] == "|" || words[i] == ">" || words[i] == "&&") return "";
    if (!absl::StartsWith(words[i], "--")) continue;
    const std::string flag = words[i].substr(0, words[i].find('='));
    if (!absl::StrContains(absl::StrCat(shown.out, " "), absl::StrCat(" ", flag, " ")) &&
        !absl::StrContains(shown.out, absl::StrCat(" ", flag, "\n")) &&
        !absl::StrContains(shown.out, absl::StrCat("[", flag)))
      return absl::StrCat(help[0], " has no flag ", flag);
  }
  return "";
}

bool IsProgram(const std::string& word) {
  return word == "quadhop" || absl::EndsWith(word, "/quadhop");
}

// Faults of a page's commands.
Words FaultsOf(const std::string& name, const std::string& text, int* num_checked) {
  Words faults;
  for (const ShownCommand& command : CommandsOf(name, text)) {
    const auto program = std::find_if(command.words.begin(), command.words.end(), IsProgram);
    if (program != command.words.end()) {
      ++*num_checked;
      const std::string fault =
          FaultOf({&*program + 1, static_cast<size_t>(command.words.end() - program - 1)});
      if (!fault.empty()) faults.push_back(absl::StrCat(command.place, ": ", fault));
      continue;
    }
    for (const std::string& word : command.words) {
      if (!absl::EndsWith(word, ".sh") && !absl::EndsWith(word, ".py")) continue;
      ++*num_checked;
      if (!FileExists(absl::StrCat(QH_SOURCE_DIR, "/", word)))
        faults.push_back(absl::StrCat(command.place, ": there is no ", word));
    }
  }
  return faults;
}

TEST(Docs, ShowCommandsThatTheProgramTakes) {
  Words faults;
  int num_checked = 0;
  std::vector<std::string> pages = {QH_SOURCE_DIR "/README.md"};
  for (const auto& entry : std::filesystem::directory_iterator(QH_SOURCE_DIR "/docs"))
    if (entry.path().extension() == ".md") pages.push_back(entry.path().string());
  for (const std::string& page : pages) {
    const Words of_page = FaultsOf(std::filesystem::path(page).filename().string(),
                                   ReadFile(page).value(), &num_checked);
    faults.insert(faults.end(), of_page.begin(), of_page.end());
  }
  EXPECT_THAT(faults, IsEmpty()) << absl::StrJoin(faults, "\n");
  EXPECT_GT(num_checked, 20);
}

TEST(Docs, TheCheckFindsWhatIsWrong) {
  int num_checked = 0;
  const Words faults = FaultsOf("page",
                                "    mpirun -n 2 build/release/quadhop trian --store s\n"
                                "    quadhop prep --from x \\\n      --stoer y\n"
                                "    quadhop launch local -n 2 -- train --stoer s\n"
                                "    quadhop inspect s.qh --json | jq .\n"
                                "    tests/absent.sh\n"
                                "not a command: quadhop nonsense\n",
                                &num_checked);
  EXPECT_EQ(num_checked, 5);
  EXPECT_THAT(faults,
              ElementsAre(HasSubstr("no command trian"), HasSubstr("prep has no flag --stoer"),
                          HasSubstr("train has no flag --stoer"),
                          HasSubstr("there is no tests/absent.sh")));
}

}  // namespace
}  // namespace quadhop
