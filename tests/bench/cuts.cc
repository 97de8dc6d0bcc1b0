// A cut by itself, without the ordering of a store's files that `quadhop partition` does after it:
//
//   quadhop_cuts STORE.qh METHOD PARTS THREADS
//
// Seconds, those of processors (of the threads, and of the child that METIS runs in), and a hash of
// the cut: equal cuts have equal hashes.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/stopwatch.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "partition/cuts/partitioner.h"

namespace quadhop {
namespace {

double ProcessorSeconds(int who) {
  rusage usage;
  QH_CHECK_EQ(getrusage(who, &usage), 0);
  double seconds = 0;
  for (const timeval& time : {usage.ru_utime, usage.ru_stime})
    seconds += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  return seconds;
}

int CutStore(const char* path, const char* method, int parts, int threads) {
  const auto store = Store::Open(path);
  QH_CHECK(store.ok());
  const auto topology = (*store)->topology();
  const auto partitioner = MakePartitioner(method);
  QH_CHECK(topology.ok() && partitioner.ok());
  ThreadPool pool(threads);
  const Stopwatch watch;
  const double own = ProcessorSeconds(RUSAGE_SELF);
  const auto part_of = (*partitioner)->Cut({*topology, {}, parts, 0, 0.05}, pool);
  const double seconds = watch.Seconds();
  if (!part_of.ok()) {
    std::fprintf(stderr, "%s\n", part_of.status().ToString().c_str());
    return 1;
  }
  uint64_t hash = 0;
  for (const int32_t part : *part_of) hash = Mix64(hash ^ static_cast<uint64_t>(part));
  std::printf(
      "%-10s %5d parts, %3d threads: %8.2f s, %8.2f s of processors and %8.2f s of METIS, cut "
      "%016llx\n",
      method, parts, threads, seconds, ProcessorSeconds(RUSAGE_SELF) - own,
      ProcessorSeconds(RUSAGE_CHILDREN), static_cast<unsigned long long>(hash));
  return 0;
}

}  // namespace
}  // namespace quadhop

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: quadhop_cuts STORE.qh METHOD PARTS THREADS\n", stderr);
    return 2;
  }
  return quadhop::CutStore(argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
}
