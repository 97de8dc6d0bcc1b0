#include "partition/import/formats/import_format.h"

namespace quadhop {

// Each is defined in a formats/x_importer.cc.
extern const ImportFormat kArraysFormat, kDglFormat, kEdgeListFormat, kGraphSaintFormat,
    kLinkxFormat, kMatrixMarketFormat, kMetisGraphFormat, kOgbBinaryFormat, kOgbFormat,
    kPlanetoidFormat, kPygFormat, kScipyFormat, kShchurFormat, kTablesFormat, kWordnetFormat;

absl::Span<const ImportFormat* const> AllImportFormats() {
  static constexpr const ImportFormat* kFormats[] = {
      &kOgbFormat,          &kOgbBinaryFormat,  &kWordnetFormat, &kGraphSaintFormat, &kDglFormat,
      &kPlanetoidFormat,    &kShchurFormat,     &kPygFormat,     &kScipyFormat,      &kLinkxFormat,
      &kMatrixMarketFormat, &kMetisGraphFormat, &kArraysFormat,  &kEdgeListFormat,   &kTablesFormat,
  };
  return kFormats;
}

}  // namespace quadhop
