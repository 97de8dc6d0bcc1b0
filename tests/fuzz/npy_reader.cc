// .npy files, by both of their readers.
#include "core/arrays/npy.h"
#include "core/base/status.h"
#include "partition/import/arrays/array_source.h"
#include "tests/fuzz/reader.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class NpyReader : public Reader {
 public:
  Notices notices() const override { return Notices::kMissingEnds; }

  std::vector<std::string> Seeds() const override {
    return {NpyOf<float>({2, 3}, {1, 2, 3, 4, 5, 6}),
            NpyOf<int64_t>({2}, {-1, 1}, /*fortran_order=*/true), NpyOf<uint8_t>({}, {7})};
  }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    WriteBytes(path_, bytes);
    QH_ASSIGN_OR_RETURN(ArraySource streamed, ArraySource::OpenNpy(path_));
    const absl::StatusOr<std::vector<double>> values = streamed.ReadRest<double>(kMaxBytes);
    QH_ASSIGN_OR_RETURN(const NpyFile file, NpyFile::Open(path_));
    QH_RETURN_IF_ERROR(values.status());
    return NpyHeaderBytes(file.header().dtype, file.header().dims) +
           (file.header().fortran_order ? "F" : "C") + BytesOf(*values) +
           std::string(static_cast<const char*>(file.data()),
                       static_cast<size_t>(file.header().data_bytes()));
  }

 private:
  static constexpr int64_t kMaxBytes = int64_t{64} << 20;
  TempDir folder_;
  const std::string path_ = folder_ / "a.npy";
};

}  // namespace

std::unique_ptr<Reader> MakeNpyReader() { return std::make_unique<NpyReader>(); }

}  // namespace quadhop
