// Safetensors files: weights, optimiser states, golden cases.
#include "core/base/status.h"
#include "model/checkpoint/safetensors.h"
#include "tests/fuzz/reader.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class SafetensorsReader : public Reader {
 public:
  Notices notices() const override { return Notices::kMissingEnds; }

  std::vector<std::string> Seeds() const override {
    return {FileOf(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                   R"("b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},)"
                   R"("__metadata__":{"made":"by hand"}})",
                   16),
            FileOf(R"({"h":{"dtype":"BF16","shape":[1,3],"data_offsets":[0,6]},)"
                   R"("g":{"dtype":"F16","shape":[0,4],"data_offsets":[6,6]}})",
                   6)};
  }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    WriteBytes(path_, bytes);
    QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path_));
    std::string text;
    for (const auto& [key, value] : file.metadata()) absl::StrAppend(&text, key, "=", value, "\n");
    for (const std::string& name : file.names()) {
      QH_ASSIGN_OR_RETURN(const std::vector<double> values, file.ReadAsDouble(name));
      QH_RETURN_IF_ERROR(file.ReadAsFloat(name).status());
      file.ReadAsInt64(name).status().IgnoreError();  // not all are integers
      absl::StrAppend(&text, name, " ", static_cast<int>(file.Find(name)->dtype), "\n",
                      BytesOf(values));
    }
    return text;
  }

 private:
  static std::string FileOf(const std::string& header, size_t data_bytes) {
    const uint64_t length = header.size();
    std::string data(data_bytes, '\0');
    for (size_t i = 0; i < data_bytes; ++i) data[i] = static_cast<char>(i);
    return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + data;
  }

  TempDir folder_;
  const std::string path_ = folder_ / "a.safetensors";
};

}  // namespace

std::unique_ptr<Reader> MakeSafetensorsReader() { return std::make_unique<SafetensorsReader>(); }

}  // namespace quadhop
