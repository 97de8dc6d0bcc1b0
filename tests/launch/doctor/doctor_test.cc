#include <cstring>

#include "launch/config/config.h"
#include "launch/doctor/finding.h"
#include "launch/doctor/gpu.h"
#include "launch/doctor/host_facts.h"
#include "launch/doctor/network.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

HostFacts SoundHost(const char* name) {
  HostFacts facts;
  std::strncpy(facts.name, name, sizeof(facts.name) - 1);
  facts.cores = 8;
  facts.threads = 4;
  facts.available_memory_bytes = int64_t{16} << 30;
  facts.open_files = 65536;
  facts.avx2 = true;
  return facts;
}

const Finding& Of(const Findings& findings, const std::string& subject) {
  for (const Finding& finding : findings)
    if (finding.subject == subject) return finding;
  static const Finding kNone{Verdict::kFail, "none", "", ""};
  return kNone;
}

TEST(JudgeHosts, IsContentWithSoundHosts) {
  const std::vector<HostFacts> facts = {SoundHost("n1"), SoundHost("n1"), SoundHost("n2")};
  const Findings findings = JudgeHosts(facts);
  EXPECT_EQ(WorstOf(findings), Verdict::kOk);
  EXPECT_EQ(Of(findings, "ranks").found, "n1 (2 ranks), n2 (1 rank)");
  for (const Finding& finding : findings) EXPECT_EQ(finding.advice, "") << finding.subject;
}

TEST(JudgeHosts, WarnsOfEachFaultByNameOfTheHostAndSaysWhatToDo) {
  std::vector<HostFacts> facts = {SoundHost("n1"), SoundHost("n2")};
  facts[1].cores = 0;
  facts[1].clock_ns = 3'200'000'000;
  facts[1].available_memory_bytes = 1 << 20;
  facts[1].open_files = 256;
  facts[1].bf16 = facts[1].avx512 = true;
  const Findings findings = JudgeHosts(facts);
  for (const char* subject : {"cores", "clocks", "memory", "open files", "processor"}) {
    const Finding& finding = Of(findings, subject);
    EXPECT_EQ(finding.verdict, Verdict::kWarn) << subject;
    EXPECT_THAT(finding.found, HasSubstr("n2")) << subject;
    EXPECT_NE(finding.advice, "") << subject;
  }
  EXPECT_THAT(Of(findings, "clocks").found, HasSubstr("3.200 s"));
}

TEST(DescribeFinding, IsOneLineWithVerdictSubjectAndAdvice) {
  EXPECT_EQ(DescribeFinding({Verdict::kWarn, "clocks", "differ by 3 s", "set them"}),
            "warn  clocks      differ by 3 s: set them");
  EXPECT_EQ(DescribeFinding({Verdict::kOk, "memory", "16 GB", ""}), "ok    memory      16 GB");
}

TEST(MeasureNetwork, GivesAFigureForEachOtherHost) {
  ASSERT_OK(RunRanks(
      {.ranks_in_process = 3, .threads = 1},
      [](const RankContext& context) -> absl::StatusOr<ExitCode> {
        const std::vector<HostFacts> facts = {SoundHost("n1"), SoundHost("n2"), SoundHost("n2")};
        QH_ASSIGN_OR_RETURN(const Findings findings, MeasureNetwork(context, facts));
        EXPECT_EQ(findings.size(), 1u);
        EXPECT_THAT(findings[0].found, ContainsRegex("^n1 and n2: [0-9]+ us .*, [0-9.]+ GB/s"));
        return ExitCode::kDone;
      }));
}

TEST(Doctor, SaysAMissingStoreOnceAndFails) {
  const TempDir folder;
  const Outcome outcome = Quadhop(
      {"doctor", "--ranks-in-process", "2", "--threads", "1", "--store", folder / "none.qh"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.out, AllOf(ContainsRegex("FAIL  store  .*none.qh: no such store"),
                                 HasSubstr("network"), HasSubstr("ok    ranks")));
}

TEST(Doctor, RefusesAConfigThatIsNone) {
  EXPECT_EQ(Quadhop({"doctor", "--config", "none-such"}).code, ExitCode::kUsage);
}

TEST(Doctor, KnowsHowManyRanksAStoreCanHave) {
  const TempDir folder;
  const auto says = [&](const std::string& ranks) {
    return Quadhop({"doctor", "--ranks-in-process", ranks, "--threads", "1", "--store",
                    folder / "s.qh"})
        .out;
  };
  // 60 training nodes.
  TinyStoreOptions tiny;
  tiny.graph_nodes = 100;
  tiny.partitions = 2;
  ASSERT_OK(WriteTinyStore(folder / "s.qh", tiny));
  EXPECT_THAT(says("3"), HasSubstr("start at most 2 ranks, or cut the store again with quadhop "
                                   "partition --parts 3"));
  EXPECT_THAT(says("4"),
              HasSubstr("start at most 2 ranks (the store can have 3 partitions at most, "
                        "for each keeps 16 training nodes), or cut the store again with "
                        "quadhop partition --parts 3"));
  tiny.partitions = 3;
  ASSERT_OK(WriteTinyStore(folder / "s.qh", tiny));
  EXPECT_THAT(says("4"), AllOf(HasSubstr("start at most 3 ranks (the store can have 3"),
                               Not(HasSubstr("cut the store"))));
}

}  // namespace
}  // namespace quadhop
