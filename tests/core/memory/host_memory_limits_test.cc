#include "core/memory/host_memory_limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>

#include "core/files/file.h"
#include "core/memory/host_memory.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

TEST(BytesText, HasAUnitInWhichItIsNotZero) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(4'321), "4.32 kB");
  EXPECT_EQ(BytesText(12'340'000), "12.34 MB");
  EXPECT_EQ(BytesText(1'250'000'000), "1.25 GB");
}

class CgroupRoom : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    const std::string path = mount_ / name;
    ASSERT_OK(MakeDirectories(std::filesystem::path(path).parent_path()));
    ASSERT_OK(WriteFileAtomically(path, text));
  }
  int64_t Of(const std::string& process_cgroups) {
    return CgroupRoomBytes(process_cgroups, mount_ / "");
  }
  TempDir mount_;
};

TEST_F(CgroupRoom, IsWhatTheLimitLeavesAndPagesThatCanGo) {
  Write("job/memory.max", "1000000\n");
  Write("job/memory.current", "700000\n");
  Write("job/memory.stat", "anon 300\nfile 57000\ninactive_file 50000\nactive_anon 6\n");
  EXPECT_EQ(Of("0::/job\n"), 350000);
  Write("job/memory.current", "1200000\n");  // as it may be for a moment
  EXPECT_EQ(Of("0::/job\n"), 0);
}

TEST_F(CgroupRoom, CountsPagesOfFilesReadTwiceButNotThoseToBeWritten) {
  Write("job/memory.max", "1000000\n");
  Write("job/memory.current", "900000\n");
  Write("job/memory.stat",
        "file 790000\nshmem 50000\nfile_mapped 700000\nfile_dirty 3000\nfile_writeback 500\n"
        "inactive_anon 50000\ninactive_file 40000\nactive_file 700000\nunevictable 60\n"
        "slab_reclaimable 8000\nslab_unreclaimable 900\n");
  EXPECT_EQ(Of("0::/job\n"), 100000 + 740000 + 8000 - 3500);
  Write("memory/job/memory.limit_in_bytes", "1000000\n");
  Write("memory/job/memory.usage_in_bytes", "900000\n");
  Write("memory/job/memory.stat",
        "inactive_file 1\nactive_file 2\ndirty 4\ntotal_cache 790000\ntotal_shmem 50000\n"
        "total_dirty 3000\ntotal_writeback 500\ntotal_inactive_anon 50000\n"
        "total_inactive_file 40000\ntotal_active_file 600000\ntotal_unevictable 60\n");
  EXPECT_EQ(Of("4:memory:/job\n"), 100000 + 640000 - 3500);
}

TEST_F(CgroupRoom, IsNoLessThanTheLimitLeavesWhereAllPagesAreToBeWritten) {
  Write("job/memory.max", "1000000\n");
  Write("job/memory.current", "900000\n");
  Write("job/memory.stat", "file_dirty 5000\nfile_writeback 500\nactive_file 5000\n");
  EXPECT_EQ(Of("0::/job\n"), 100000);
}

TEST_F(CgroupRoom, IsTheLeastOfTheGroupsUpToTheRoot) {
  Write("slurm/memory.max", "5000\n");
  Write("slurm/memory.current", "1000\n");
  Write("slurm/job/memory.max", "max\n");
  Write("slurm/job/memory.current", "900\n");
  Write("slurm/job/step/memory.max", "6000\n");
  Write("slurm/job/step/memory.current", "800\n");
  EXPECT_EQ(Of("0::/slurm/job/step\n"), 4000);
  Write("memory.max", "4500\n");
  Write("memory.current", "1500\n");
  EXPECT_EQ(Of("0::/slurm/job/step\n"), 3000);
}

TEST_F(CgroupRoom, IsThatOfTheMountWhereThePathIsTheHosts) {
  Write("memory.max", "4500\n");
  Write("memory.current", "1500\n");
  EXPECT_EQ(Of("0::/docker/0123456789\n"), 3000);
}

TEST_F(CgroupRoom, IsReadOfVersion1Too) {
  Write("memory/job/memory.limit_in_bytes", "1000000\n");
  Write("memory/job/memory.usage_in_bytes", "400000\n");
  Write("memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 20000\n");
  Write("memory/memory.limit_in_bytes", "9223372036854771712\n");  // none
  Write("memory/memory.usage_in_bytes", "500000\n");
  EXPECT_EQ(Of("5:cpu,cpuacct:/x\n4:hugetlb,memory:/job\n1:name=systemd:/y\n0::/\n"), 620000);
}

TEST_F(CgroupRoom, IsWithoutLimitWhereNothingLimits) {
  EXPECT_EQ(Of(""), kUnlimitedBytes);
  EXPECT_EQ(Of("0::/job\nnot a line\n"), kUnlimitedBytes);
  Write("job/memory.max", "max\n");
  Write("job/memory.current", "1\n");
  EXPECT_EQ(Of("0::/job\n"), kUnlimitedBytes);
}

TEST(AvailableMemory, IsNoMoreThanTheLimitsOfTheProcess) {
#ifdef QH_SANITIZED
  GTEST_SKIP() << "sanitizers take more address space than the limit";
#endif
  for (const auto resource : {RLIMIT_DATA, RLIMIT_AS}) {
    const auto take = [&] {
      constexpr rlim_t kLimit = rlim_t{1} << 31;
      const rlimit limit = {kLimit, RLIM_INFINITY};
      setrlimit(resource, &limit);
      const int64_t available_bytes = AvailableMemoryBytes().value_or(-1);
      std::_Exit(available_bytes > 0 && available_bytes < int64_t{1} << 31 ? 0 : 1);
    };
    EXPECT_EXIT(take(), testing::ExitedWithCode(0), "");
  }
}

}  // namespace
}  // namespace quadhop
