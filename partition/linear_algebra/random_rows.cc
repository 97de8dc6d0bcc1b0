#include "partition/linear_algebra/random_rows.h"

#include "core/base/casts.h"
#include "core/threads/for_each_row.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 1024;

}  // namespace

RandomStream StreamOfRow(uint64_t seed, int64_t key, RowDraws draws, uint64_t walk) {
  return RandomStream(seed, RandomPurpose::kEncoding, static_cast<uint64_t>(key),
                      static_cast<uint64_t>(draws) + walk);
}

void FillNormals(absl::Span<const int64_t> keys, uint64_t seed, RowDraws draws, int64_t begin,
                 TensorView<float> x, ThreadPool& pool) {
  ForEachRow(x.dim(0), kRowsPerBlock, pool, [&](int64_t row, int) {
    RandomStream random = StreamOfRow(seed, keys.empty() ? row : keys[AsSize(row)], draws);
    random.SkipNormals(static_cast<uint64_t>(begin));
    for (int64_t i = 0; i < x.dim(1); ++i) x.row(row)[i] = static_cast<float>(random.Normal());
  });
}

}  // namespace quadhop
