#include "launch/cluster/host_networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files/file.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(HostNetworks, AreNamedByAnInterfaceOrByARangeOfAddresses) {
  for (const char* network : {"lo", "127.0.0.0/8", "127.0.0.1/32", "eth999,lo"})
    EXPECT_OK(CheckHostHasNetwork(network)) << network;
  for (const char* network : {"eth999", "240.1.0.0/16", "127.0.0.0/33", "127.0.0.0/", "127/8"})
    EXPECT_THAT(CheckHostHasNetwork(network),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(network), HasSubstr("lo (127.0.0.1/8)"))));
}

TEST(HostNetworks, ThatAreNotThereAreRefusedBeforeRanksStart) {
  const TempDir folder;
  ASSERT_OK(WriteFileAtomically(folder / "hosts", "localhost slots=2\n"));
  const Outcome outcome = Quadhop(
      {"launch", "hosts", "--hostfile", folder / "hosts", "--network", "eth999", "--", "doctor"});
  EXPECT_NE(outcome.code, ExitCode::kDone);
  EXPECT_THAT(outcome.err, HasSubstr("--network is eth999"));
}

}  // namespace
}  // namespace quadhop
