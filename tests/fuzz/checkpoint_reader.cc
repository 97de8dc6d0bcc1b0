// The manifest of a checkpoint.
#include <google/protobuf/text_format.h>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "tests/fuzz/reader.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class CheckpointReader : public Reader {
 public:
  CheckpointReader() {
    CheckpointManifest manifest;
    manifest.set_store("0123456789abcdef");
    RunPosition& position = *manifest.mutable_position();
    position.set_step(7);
    position.set_codebook_started(true);
    position.set_best_valid(0.25);
    position.add_epoch_seconds(1.5);
    position.mutable_under_way()->set_steps(3);
    for (const char* name : {kWeightsFile, kOptimizerFile}) {
      WriteBytes(folder_ / name, name);
      *manifest.add_files() = DescribeFile(folder_.path(), name).value();
    }
    QH_CHECK(WriteCheckpointManifest(manifest, folder_.path()).ok());
    seed_ = ReadFile(manifest_path_).value();
  }

  Notices notices() const override { return Notices::kAllDamage; }
  std::vector<std::string> Seeds() const override { return {seed_}; }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    WriteBytes(manifest_path_, bytes);
    QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, VerifyCheckpoint(folder_.path()));
    return manifest.SerializeAsString();
  }

  std::string Sealed(absl::string_view bytes) const override {
    CheckpointManifest manifest;
    if (!google::protobuf::TextFormat::ParseFromString(std::string(bytes), &manifest))
      return std::string(bytes);
    QH_CHECK(WriteCheckpointManifest(manifest, folder_.path()).ok());
    return ReadFile(manifest_path_).value();
  }

 private:
  TempDir folder_;
  const std::string manifest_path_ = folder_ / kCheckpointManifestName;
  std::string seed_;
};

}  // namespace

std::unique_ptr<Reader> MakeCheckpointReader() { return std::make_unique<CheckpointReader>(); }

}  // namespace quadhop
