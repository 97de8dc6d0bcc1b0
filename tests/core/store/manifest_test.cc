#include "core/store/manifest.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/files/checksum.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

StoreManifest Example() {
  StoreManifest m;
  m.set_format_version(1);
  m.set_nodes(10);
  m.set_arcs(20);
  m.set_features(4);
  m.set_classes(2);
  m.set_feature_dtype("f32");
  for (const int64_t offset : {0, 4, 10}) m.add_partition_offsets(offset);
  m.add_split_names("planetoid");
  m.add_class_names("caf\xc3\xa9 \"x\"\n");
  m.add_class_names("b");
  StoreFile* file = m.add_files();
  file->set_name("indptr.npy");
  file->set_bytes(216);
  file->set_sidecar_xxh3("0123456789abcdef");
  Provenance* step = m.add_provenance();
  step->set_step("import");
  step->set_options("from=x directed=false");
  return m;
}

// Text of any body with the checksum that fits it.
std::string Signed(const std::string& body) {
  return absl::StrCat(body, "checksum: \"", HexOf(Xxh3(body.data(), body.size())), "\"\n");
}
std::string BodyOf(const StoreManifest& manifest) {
  const std::string text = ManifestToText(manifest);
  return text.substr(0, text.rfind("checksum:"));
}

TEST(Manifest, IsReadBackAsWritten) {
  ASSERT_OK_AND_ASSIGN(StoreManifest read, ParseManifest(ManifestToText(Example()), "m"));
  EXPECT_EQ(read.checksum().size(), 16u);
  read.clear_checksum();
  EXPECT_EQ(read.SerializeAsString(), Example().SerializeAsString());
}

TEST(Manifest, ChecksumIsXxh3OfTheTextBeforeIt) {
  EXPECT_EQ(ManifestToText(Example()), Signed(BodyOf(Example())));
}

TEST(Manifest, EveryChangedByteIsFound) {
  const std::string good = ManifestToText(Example());
  ASSERT_OK(ParseManifest(good, "m"));
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_FALSE(ParseManifest(changed, "m").ok()) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(Manifest, EveryMissingEndIsFound) {
  const std::string good = ManifestToText(Example());
  for (size_t bytes = 0; bytes < good.size(); ++bytes)
    EXPECT_FALSE(ParseManifest(good.substr(0, bytes), "m").ok()) << bytes;
  EXPECT_THAT(ParseManifest(good + "nodes: 3\n", "m"), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(Manifest, AnEditedOneIsSaidToBe) {
  const std::string edited =
      absl::StrReplaceAll(ManifestToText(Example()), {{"nodes: 10", "nodes: 11"}});
  EXPECT_THAT(ParseManifest(edited, "S.qh/store.textproto"),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("S.qh/store.textproto"), HasSubstr("checksum"))));
}

TEST(Manifest, WhatIsNoTextprotoIsAnErrorThatNamesTheLine) {
  EXPECT_THAT(ParseManifest(Signed("format_version: 1\nnodes: ten\n"), "m"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("m:2:8: ")));
}

TEST(Manifest, AnotherFormatVersionIsNamedWithOurs) {
  const auto names_both =
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("format version 2"), HasSubstr("reads version 1")));
  StoreManifest later = Example();
  later.set_format_version(2);
  EXPECT_THAT(ParseManifest(ManifestToText(later), "m"), names_both);
  // Also if it has fields that we do not know.
  EXPECT_THAT(ParseManifest(Signed("format_version: 2\nfuture_field { x: 1 }\n"), "m"), names_both);
}

TEST(Manifest, AnUnknownFieldIsAnErrorThatNamesTheLine) {
  EXPECT_THAT(
      ParseManifest(Signed(BodyOf(Example()) + "colour: 3\n"), "m"),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("m:"), HasSubstr("colour"))));
}

TEST(Manifest, FieldsOutOfRangeAreNamed) {
  const auto refuses = [](const std::function<void(StoreManifest&)>& change, const char* what) {
    StoreManifest m = Example();
    change(m);
    EXPECT_THAT(ParseManifest(ManifestToText(m), "m"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what)));
  };
  refuses([](StoreManifest& m) { m.set_arcs(-1); }, "arcs is -1");
  refuses([](StoreManifest& m) { m.set_feature_dtype("i32"); }, "feature_dtype is 'i32'");
  refuses([](StoreManifest& m) { m.add_class_names("c"); }, "3 class_names for 2 classes");
  refuses([](StoreManifest& m) { m.clear_partition_offsets(); }, "0 partition_offsets");
  refuses([](StoreManifest& m) { m.set_partition_offsets(1, 11); }, "fall from 11 to 10");
  refuses([](StoreManifest& m) { m.set_partition_offsets(0, 1); }, "from 1 to 10");
  refuses([](StoreManifest& m) { m.set_nodes(11); }, "must go from 0 to the number of nodes, 11");
  refuses([](StoreManifest& m) { m.add_split_names("planetoid"); }, "split name 'planetoid'");
  refuses([](StoreManifest& m) { *m.add_files() = m.files(0); }, "listed twice");
  refuses([](StoreManifest& m) { m.mutable_files(0)->set_bytes(-1); }, "-1 bytes");
  refuses([](StoreManifest& m) { m.mutable_files(0)->set_sidecar_xxh3("x"); }, "indptr.npy");
}

TEST(Manifest, FileNamesStayInTheFolderAndOutOfTheWay) {
  for (const char* good : {"indptr.npy", "raw.indptr.npy", "original_names.txt", "a"})
    EXPECT_OK(CheckFileName(good));
  for (const char* bad : {"", ".", "..", ".hidden", "../x.npy", "/etc/passwd", "a/b",
                          "store.textproto", "store.textproto.next", "x.npy.tmp", "x.npy.xxh3"})
    EXPECT_THAT(CheckFileName(bad), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr(absl::StrCat("'", bad, "'"))));
}

}  // namespace
}  // namespace quadhop
