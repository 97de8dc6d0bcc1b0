// Hostfiles of quadhop launch hosts.
#include "core/base/status.h"
#include "launch/cluster/hostfile.h"
#include "tests/fuzz/reader.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class HostfileReader : public Reader {
 public:
  Notices notices() const override { return Notices::kNothing; }
  std::vector<std::string> Seeds() const override {
    return {"# two hosts\nn1 slots=2\nn2 slots=4 max_slots=8\n"};
  }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    WriteBytes(path_, bytes);
    QH_ASSIGN_OR_RETURN(const std::vector<Host> hosts, ReadHostfile(path_));
    return HostsForMpirun(hosts);
  }

 private:
  TempDir folder_;
  const std::string path_ = folder_ / "hosts";
};

}  // namespace

std::unique_ptr<Reader> MakeHostfileReader() { return std::make_unique<HostfileReader>(); }

}  // namespace quadhop
