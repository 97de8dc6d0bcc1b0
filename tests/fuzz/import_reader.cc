// Importers: one file of an input has the bytes, the others are whole.
#include <filesystem>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/store.h"
#include "partition/import/import.h"
#include "tests/fuzz/reader.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class ImportReader : public Reader {
 public:
  ImportReader(const std::string& format, const std::string& file, Notices notices)
      : input_(WriteLittleGraph(format, folder_.path())),
        path_(folder_ / file),
        seed_(ReadFile(path_).value()),
        notices_(notices) {
    options_.from = input_.from;
    options_.format = format.substr(0, format.find('/'));  // without the variant
    options_.store = output_ / "S.qh";
    options_.memory_bytes = int64_t{64} << 20;
    if (!input_.nodes.empty()) options_.nodes = {input_.nodes};
    if (!input_.has_companions) return;
    options_.features = folder_ / "x.npy";
    options_.labels = folder_ / "y.npy";
    options_.splits = folder_ / "s.npy";
  }

  Notices notices() const override { return notices_; }
  std::vector<std::string> Seeds() const override { return {seed_}; }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    WriteBytes(path_, bytes);
    const absl::StatusOr<ImportReport> report = Import(options_, pool_);
    // Nothing is left of an import that failed.
    QH_CHECK_EQ(report.ok(), std::filesystem::exists(options_.store));
    QH_RETURN_IF_ERROR(report.status());
    absl::StatusOr<std::string> text = TextOfStore();
    std::filesystem::remove_all(options_.store);
    return text;
  }

 private:
  // All of its arrays.
  absl::StatusOr<std::string> TextOfStore() const {
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(options_.store));
    QH_RETURN_IF_ERROR(store->topology().status());
    std::string text;
    for (const StoreFile& file : store->manifest().files()) {
      QH_ASSIGN_OR_RETURN(const std::string bytes,
                          ReadFile(absl::StrCat(options_.store, "/", file.name())));
      absl::StrAppend(&text, file.name(), "\n", bytes);
    }
    return text;
  }

  TempDir folder_;
  TempDir output_;
  const WrittenInput input_;
  const std::string path_;
  const std::string seed_;
  const Notices notices_;
  ImportOptions options_;
  ThreadPool pool_{1};
};

}  // namespace

std::unique_ptr<Reader> MakeImportReader(const std::string& format, const std::string& file,
                                         Reader::Notices notices) {
  return std::make_unique<ImportReader>(format, file, notices);
}

}  // namespace quadhop
