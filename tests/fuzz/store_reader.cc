// The manifest of a store, and all that is read on its word.
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "tests/fuzz/reader.h"
#include "tests/support/graphs.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class StoreReader : public Reader {
 public:
  StoreReader() {
    QH_CHECK(WriteTinyStore(path_, TinyStoreOptions()).ok());
    seed_ = ReadFile(manifest_path_).value();
  }

  Notices notices() const override { return Notices::kAllDamage; }
  std::vector<std::string> Seeds() const override { return {seed_}; }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    WriteBytes(manifest_path_, bytes);
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(path_));
    QH_RETURN_IF_ERROR(store->VerifyAll(pool_));
    for (int32_t p = 0; p < store->num_partitions(); ++p)
      QH_RETURN_IF_ERROR(store->VerifyNodes(store->PartitionNodes(PartitionId(p)), pool_));
    // Each may be absent, or not be what the manifest says: an error, and no more.
    for (const absl::Status& status :
         {store->topology().status(), store->features().status(), store->labels().status(),
          store->multi_labels().status(), store->split("").status(), store->pos_enc().status(),
          store->original_ids().status(), store->array("raw.npy").status()})
      if (absl::IsInternal(status)) return status;
    return store->manifest().SerializeAsString();
  }

  std::string Sealed(absl::string_view bytes) const override {
    const absl::string_view body = bytes.substr(0, bytes.rfind("checksum:"));
    return absl::StrCat(body, "checksum: \"", HexOf(Xxh3(body.data(), body.size())), "\"\n");
  }

 private:
  TempDir folder_;
  const std::string path_ = folder_ / "S.qh";
  const std::string manifest_path_ = absl::StrCat(path_, "/", kStoreManifestName);
  std::string seed_;
  ThreadPool pool_{1};
};

}  // namespace

std::unique_ptr<Reader> MakeStoreReader() { return std::make_unique<StoreReader>(); }

}  // namespace quadhop
