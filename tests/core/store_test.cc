#include "core/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

TEST(Store, GivesBackWhatTheWriterWasGiven) {
  TempDir dir;
  const TinyStoreOptions options;
  ASSERT_OK(WriteTinyStore(dir / "S.qh", options));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(dir / "S.qh"));
  ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
  EXPECT_EQ(topology.num_nodes(), 12);
}

}  // namespace
}  // namespace quadhop
