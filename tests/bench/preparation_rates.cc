// The rates that preparation rests on, beside what the machine can do:
//
//   quadhop_preparation_rates STORE.qh FILE...
//
// Of each FILE, csv or csv.gz of OGB's raw layout: MB of text that a core parses a second, and that
// one thread reads, inflates and cuts into chunks; the rate of ISA-L alone on the whole file in
// memory. Of STORE.qh: bytes that a hop moves a second, by what is planned (an arc's id and the row
// that it leads to; rows scaled and written), beside the rate of copying (bytes read and
// written). Rates are by seconds of processors, the best of five taken in turn, so that other work
// on the machine disturbs them less.
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/base/check.h"
#include "core/files/file.h"
#include "core/store/store.h"
#include "partition/import/bytes/inflater.h"
#include "partition/import/text/csv.h"
#include "partition/import/text/text_chunks.h"
#include "partition/linear_algebra/sparse_product.h"

namespace quadhop {
namespace {

constexpr int kTurns = 5;

double CpuSeconds() {
  timespec time;
  QH_CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The quickest of each, taken in turn.
std::vector<double> Quickest(const std::vector<std::function<void()>>& works) {
  std::vector<double> quickest(works.size(), 1e300);
  for (int turn = 0; turn < kTurns; ++turn)
    for (size_t i = 0; i < works.size(); ++i) {
      const double start = CpuSeconds();
      works[i]();
      quickest[i] = std::min(quickest[i], CpuSeconds() - start);
    }
  return quickest;
}

// The text of the file by chunks, each for `use`; returns its bytes.
int64_t ReadChunks(const std::string& path, const std::function<void(const TextChunk&)>& use) {
  ThreadPool pool(1);
  auto chunks = TextChunks::Open(path);
  QH_CHECK(chunks.ok());
  const auto lines = (*chunks)->ForEach(pool, [&](const TextChunk& chunk, int) {
    use(chunk);
    return absl::OkStatus();
  });
  QH_CHECK(lines.ok());
  return (*chunks)->text_bytes();
}

template <typename T>
void Parse(const std::string& path, const TextChunk& chunk, int64_t columns) {
  static std::vector<T> values;
  values.resize(static_cast<size_t>(chunk.num_lines * columns));
  QH_CHECK(ParseCsvChunk(path, chunk, columns, values.data()).ok());
}

// ISA-L by itself; 0 of a file that is not gzip.
int64_t InflateAlone(absl::Span<const uint8_t> file) {
  static std::vector<uint8_t> out(size_t{2} << 20);
  if (file.size() < 2 || file[0] != 0x1f || file[1] != 0x8b) return 0;
  inflate_state state;
  state.next_in = const_cast<uint8_t*>(file.data());
  state.avail_in = static_cast<uint32_t>(file.size());
  int64_t bytes = 0;
  while (state.avail_in > 0) {  // a member
    uint8_t* const next_in = state.next_in;
    const uint32_t avail_in = state.avail_in;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_in = next_in;
    state.avail_in = avail_in;
    while (state.block_state != ISAL_BLOCK_FINISH) {
      state.next_out = out.data();
      state.avail_out = static_cast<uint32_t>(out.size());
      QH_CHECK_EQ(isal_inflate(&state), ISAL_DECOMP_OK);
      bytes += state.next_out - out.data();
    }
  }
  ClearUpperHalves();
  return bytes;
}

void BenchFile(const std::string& path) {
  const auto file = MappedFile::Open(path);
  QH_CHECK(file.ok());
  // Chunks of a large file, to be parsed again and again without reading it.
  std::vector<TextChunk> some;
  int64_t columns = 0, some_bytes = 0;
  const int64_t text_bytes = ReadChunks(path, [&](const TextChunk& chunk) {
    if (columns == 0) columns = CountColumns(chunk.text.substr(0, chunk.text.find('\n')));
    if (some.size() >= 32) return;
    some.push_back(chunk);
    some_bytes += static_cast<int64_t>(chunk.text.size());
  });
  const std::vector<double> seconds = Quickest({
      [&] {
        for (const TextChunk& chunk : some)
          columns == 2 ? Parse<int64_t>(path, chunk, columns) : Parse<float>(path, chunk, columns);
      },
      [&] { ReadChunks(path, [](const TextChunk&) {}); },
      [&] { InflateAlone(file->bytes()); },
  });
  const double megabytes = 1e-6 * static_cast<double>(text_bytes);
  const double read = megabytes / seconds[1], alone = megabytes / seconds[2];
  std::printf("%-28s %8.0f MB  parsed %6.0f MB/s a core  read %6.0f MB/s",
              path.c_str() + path.rfind('/') + 1, megabytes,
              1e-6 * static_cast<double>(some_bytes) / seconds[0], read);
  if (InflateAlone(file->bytes()) > 0)
    std::printf("  ISA-L alone %6.0f MB/s, %3.0f %% of it", alone, 100 * read / alone);
  std::printf("\n");
}

void BenchProduct(const std::string& path, int64_t width) {
  ThreadPool pool(1);
  const auto store = Store::Open(path);
  QH_CHECK(store.ok());
  const auto topology = (*store)->topology();
  QH_CHECK(topology.ok());
  const int64_t nodes = topology->num_nodes(), arcs = topology->num_arcs();
  const NormalizedAdjacency adjacency(*topology, pool);
  Tensor<float> x_memory({nodes, width}), y_memory({nodes, width});
  x_memory.Fill(1);
  const TensorView<float> x = x_memory.view(), y = y_memory.view();
  const std::vector<double> seconds = Quickest({
      [&] { adjacency.ScaleAndMultiply(x, y, pool); },
      [&] { std::memcpy(y.data(), x.data(), static_cast<size_t>(nodes * width) * sizeof(float)); },
  });
  const int64_t row_bytes = width * int64_t{sizeof(float)};
  const double planned = static_cast<double>(arcs * (4 + row_bytes) + 4 * nodes * row_bytes);
  const double copied = static_cast<double>(2 * nodes * row_bytes);
  std::printf(
      "A x, %4d columns, %lld arcs: %6.2f GB/s of %6.2f GB/s that copying moves: %3.0f %%\n",
      static_cast<int>(width), static_cast<long long>(arcs), 1e-9 * planned / seconds[0],
      1e-9 * copied / seconds[1], 100 * planned / seconds[0] * seconds[1] / copied);
}

}  // namespace
}  // namespace quadhop

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: quadhop_preparation_rates STORE.qh [FILE.csv|FILE.csv.gz ...]\n", stderr);
    return 2;
  }
  for (int i = 2; i < argc; ++i) quadhop::BenchFile(argv[i]);
  for (const int64_t width : {16, 64, 100, 128}) quadhop::BenchProduct(argv[1], width);
}
