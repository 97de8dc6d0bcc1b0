// A small graph as a user has it, for tests of commands that make a store of it.
#pragma once

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/files/file.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {

// A ring of 100 nodes in OGB's raw layout: node v is joined to v+1, once each way, and to itself;
// its class is v mod 3. 70 training, 10 validation and 20 test nodes.
class CommandsTest : public testing::Test {
 protected:
  static constexpr int kNodes = 100;
  static constexpr int kClasses = 3;

  void SetUp() override {
    std::string edges;
    std::string features;
    std::string labels;
    std::string train;
    std::string valid;
    std::string test;
    for (int v = 0; v < kNodes; ++v) {
      const int next = (v + 1) % kNodes;
      absl::StrAppend(&edges, v, ",", next, "\n", next, ",", v, "\n", v, ",", v, "\n");
      absl::StrAppend(&features, v, ".5,-1,", v % kClasses, "\n");
      absl::StrAppend(&labels, v % kClasses, "\n");
      absl::StrAppend(v < 70 ? &train : v < 80 ? &valid : &test, v, "\n");
    }
    Write("raw/num-node-list.csv", absl::StrCat(kNodes, "\n"));
    Write("raw/num-edge-list.csv", absl::StrCat(3 * kNodes, "\n"));
    Write("raw/edge.csv", edges);
    Write("raw/node-feat.csv", features);
    Write("raw/node-label.csv", labels);
    Write("split/time/train.csv", train);
    Write("split/time/valid.csv", valid);
    Write("split/time/test.csv", test);
  }

  void Write(const std::string& name, absl::string_view text) {
    const std::string path = from_ + "/" + name;
    ASSERT_OK(MakeDirectories(std::filesystem::path(path).parent_path().string()));
    ASSERT_OK(WriteFileAtomically(path, text));
  }

  Outcome Prep(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"prep", "--from",  from_, "--store",
                                          store_, "--parts", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Quadhop(arguments);
  }

  // Flips a bit in the middle of a file of the store.
  void Damage(const std::string& name) {
    const std::string path = store_ + "/" + name;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto place = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
    file.seekg(place);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(place);
    file.put(byte);
    ASSERT_TRUE(file.good());
  }

  nlohmann::json Inspect() {
    const Outcome outcome = Quadhop({"inspect", store_, "--json"});
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    return nlohmann::json::parse(outcome.out, nullptr, /*allow_exceptions=*/false);
  }

  TempDir folder_;
  const std::string from_ = folder_ / "ring";
  const std::string store_ = folder_ / "ring.qh";
};

}  // namespace quadhop
