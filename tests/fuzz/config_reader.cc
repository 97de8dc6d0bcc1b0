// Configs: those of users, and of runs.
#include "core/base/status.h"
#include "launch/config/config.h"
#include "tests/fuzz/reader.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class ConfigReader : public Reader {
 public:
  Notices notices() const override { return Notices::kNothing; }

  std::vector<std::string> Seeds() const override {
    return {
        "# A comment.\nsampler { sampled_nodes: 8 method: EXACT }\nmodel { conv: full ff_dropout: "
        "0.25 }\ntrain { learning_rate: 1e-2 seed: 7 fail_at { point: LOSS fault: KILL step: 3 } "
        "}\n"
        "checkpoint { every_epochs: 2, keep: 1 }\n"};
  }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    WriteBytes(path_, bytes);
    QH_ASSIGN_OR_RETURN(const Config config, LoadConfig(path_, {}));
    return ConfigToText(config);
  }

 private:
  TempDir folder_;
  const std::string path_ = folder_ / "a.textproto";
};

}  // namespace

std::unique_ptr<Reader> MakeConfigReader() { return std::make_unique<ConfigReader>(); }

}  // namespace quadhop
