// The main of tests under mpirun: every rank runs all tests, in step; rank 0 prints them, the
// others only what fails. The exit code is the worst of all ranks.
#define OMPI_SKIP_MPICXX 1
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "core/base/check.h"
#include "tests/support/rank_backend.h"

namespace quadhop {
namespace {

MpiRuntime* runtime = nullptr;    // set in main before the tests are made
Communicator* control = nullptr;  // keeps ranks in step between tests, whatever a test breaks

// Prints failures only.
class FailurePrinter : public ::testing::EmptyTestEventListener {
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (result.failed())
      std::fprintf(stderr, "rank %d: %s:%d: %s\n", control->rank().value(),
                   result.file_name() == nullptr ? "?" : result.file_name(), result.line_number(),
                   result.message());
  }
};

void RunUnderMpi(absl::Duration deadline, const std::function<void(Communicator&)>& body) {
  ASSERT_TRUE(control->Barrier("begin a test").ok());
  auto comm = runtime->World(deadline, kTestMpiChunkBytes);
  ASSERT_TRUE(comm.ok()) << comm.status();
  body(**comm);
  ASSERT_TRUE(control->Barrier("end a test").ok());
}

int RunTests() {
  if (control->rank() != Rank(0)) {
    ::testing::TestEventListeners& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter);  // owned by `listeners`
  }
  const int own = RUN_ALL_TESTS();
  const size_t num_ranks = static_cast<size_t>(control->num_ranks());
  std::vector<int> all(num_ranks);
  const absl::Status status = control->AllGatherV(
      "exit codes", absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&own), sizeof(own)),
      std::vector<int64_t>(num_ranks, sizeof(own)),
      absl::MakeSpan(reinterpret_cast<uint8_t*>(all.data()), num_ranks * sizeof(own)));
  if (!status.ok()) control->Abort(status.ToString());
  return *std::max_element(all.begin(), all.end());
}

}  // namespace

std::vector<RankBackend> RankBackends() {
  const int32_t num_ranks = control->num_ranks();
  return {{absl::StrCat("Mpi", num_ranks), num_ranks, false, RunUnderMpi}};
}

}  // namespace quadhop

int main(int argc, char** argv) {
  using quadhop::MpiRuntime;
  absl::StatusOr<std::unique_ptr<MpiRuntime>> runtime = MpiRuntime::Create(absl::Seconds(60));
  QH_CHECK(runtime.ok());
  int code = 0;
  {
    auto control = (*runtime)->World(absl::Seconds(120));
    QH_CHECK(control.ok());
    quadhop::runtime = runtime->get();
    quadhop::control = control->get();
    ::testing::InitGoogleTest(&argc, argv);
    code = quadhop::RunTests();
  }
  runtime->reset();
  // The runtime leaves MPI alone after a broken communicator. Tests break some on purpose, but all
  // ranks are known to have come this far, so that finalising is safe here.
  int finalized = 0;
  QH_CHECK_EQ(MPI_Finalized(&finalized), MPI_SUCCESS);
  if (finalized == 0) QH_CHECK_EQ(MPI_Finalize(), MPI_SUCCESS);
  return code;
}
