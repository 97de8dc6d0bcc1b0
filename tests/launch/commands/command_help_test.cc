#include "launch/commands/command_help.h"

#include <cstdlib>

#include "core/files/file.h"
#include "launch/cluster/shell.h"
#include "tests/launch/cluster/shell_words.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What bash offers for the last of `words`, sorted, with a blank between.
std::string Offered(const std::vector<std::string>& words) {
  const TempDir folder;
  const std::string script = folder / "quadhop.bash";
  QH_CHECK(WriteFileAtomically(script, Quadhop({"--help=bash"}).out).ok());
  const auto outcome = RunInShell(
      "bash -c " + ShellWord("source " + script + "; COMP_WORDS=(quadhop " + ShellWords(words) +
                             "); COMP_CWORD=" + std::to_string(words.size()) +
                             "; _quadhop; printf '%s\\n' \"${COMPREPLY[@]}\" | sort | xargs"));
  QH_CHECK(outcome.ok() && outcome->exit_code == 0);
  return outcome->output;
}

TEST(BashCompletion, OffersCommandsFlagsAndChoices) {
  EXPECT_THAT(Offered({""}), AllOf(HasSubstr("train"), HasSubstr("launch"), HasSubstr("--help")));
  EXPECT_EQ(Offered({"tra"}), "train");
  EXPECT_EQ(Offered({"train", "--re"}), "--resume");
  EXPECT_EQ(Offered({"partition", "--method", "mu"}), "multilevel");
  EXPECT_THAT(Offered({"bench", ""}), AllOf(HasSubstr("model"), HasSubstr("exchange")));
  EXPECT_EQ(Offered({"bench", "model", "--sha"}), "--shape");
  EXPECT_THAT(Offered({"train", "--store", ""}), IsEmpty());  // left to the names of files
}

TEST(BashCompletion, OffersWhatALaunchedCommandTakes) {
  EXPECT_THAT(Offered({"launch", ""}), AllOf(HasSubstr("local"), HasSubstr("hosts")));
  EXPECT_EQ(Offered({"launch", "local", "--max"}), "--max-restarts");
  EXPECT_EQ(Offered({"launch", "local", "--", "tra"}), "train");
  EXPECT_EQ(Offered({"launch", "local", "-n", "2", "--", "train", "--over"}), "--overwrite");
}

TEST(ManualPage, HasEveryFlagOfEveryCommand) {
  const std::string page = Quadhop({"--help=man"}).out;
  for (const Command& command : Commands())
    EXPECT_THAT(page, HasSubstr(".SS quadhop " + std::string(command.name)));
  EXPECT_THAT(page, AllOf(HasSubstr(".TH QUADHOP 1"), HasSubstr("\\-\\-overwrite"),
                          HasSubstr(".SH EXIT STATUS")));
}

TEST(ManualPage, IsReadByManWithoutAWarning) {
  if (FindInPath("man").empty()) GTEST_SKIP() << "there is no man";
  const TempDir folder;
  ASSERT_OK(WriteFileAtomically(folder / "quadhop.1", Quadhop({"--help=man"}).out));
  ASSERT_OK_AND_ASSIGN(
      const ShellOutcome shown,
      RunInShell("LC_ALL=C MANWIDTH=80 man --warnings -l " + folder / "quadhop.1" + " | col -bx"));
  EXPECT_THAT(shown.output, Not(HasSubstr("warning")));
  EXPECT_THAT(shown.output, HasSubstr("quadhop train"));
}

}  // namespace
}  // namespace quadhop
