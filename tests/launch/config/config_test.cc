#include "launch/config/config.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "core/files/file.h"
#include "launch/config/config_fields.h"
#include "launch/config/model_options.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ConfigTest : public testing::Test {
 protected:
  absl::StatusOr<Config> Load(absl::string_view text, std::vector<std::string> overrides = {}) {
    EXPECT_OK(WriteFileAtomically(path_, text));
    return LoadConfig(path_, overrides);
  }

  TempDir folder_;
  const std::string path_ = folder_ / "my.textproto";
};

using LoadConfigTest = ConfigTest;

TEST_F(LoadConfigTest, FillsInEveryFieldOfAnEmptyText) {
  ASSERT_OK_AND_ASSIGN(const Config config, Load(""));
  EXPECT_TRUE(config.sampler().has_sampled_nodes());
  EXPECT_EQ(config.sampler().sampled_nodes(), 20);
  EXPECT_EQ(config.model().ff_dropout(), 0.5);
  EXPECT_TRUE(config.train().has_reduction());
  EXPECT_EQ(config.train().reduction(), TrainConfig::REPRODUCIBLE);
  EXPECT_TRUE(config.checkpoint().has_keep());
}

TEST_F(LoadConfigTest, ReadsWhatProtobufReads) {
  const std::string text = R"(
    # a comment
    sampler { sampled_nodes: 7, method: PATHS }  # after a field
    model: { ff_dropout: .25; width: 32 }
    train { learning_rate: 1e-2 seed: 18446744073709551615 weight_decay: 1 batch:1024 }
  )";
  Config expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected));
  FillDefaults(&expected);
  ASSERT_OK_AND_ASSIGN(const Config config, Load(text));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(config, expected));
}

TEST_F(LoadConfigTest, OverridesTheTextInTheOrderGiven) {
  ASSERT_OK_AND_ASSIGN(
      const Config config,
      Load("sampler { sampled_nodes: 7 }", {"sampler.sampled_nodes=8", "sampler.sampled_nodes=9"}));
  EXPECT_EQ(config.sampler().sampled_nodes(), 9);
}

TEST_F(LoadConfigTest, TakesEnumerationsInAnyCase) {
  ASSERT_OK_AND_ASSIGN(const Config config, Load("", {"model.conv=local", "train.loss=Binary"}));
  EXPECT_EQ(config.model().conv(), ModelConfig::LOCAL);
  EXPECT_EQ(config.train().loss(), TrainConfig::BINARY);
}

TEST_F(LoadConfigTest, ReportsAllFaultsTogetherWithTheirPlaces) {
  const absl::StatusOr<Config> config = Load(
      "sampler {\n"
      "  sampled_nodes: 0\n"  // out of range
      "  sampled_nodez: 3\n"  // unknown
      "}\n"
      "model { width: wide\n"     // wrong type
      "        ema_decay: 1 }\n"  // at the open end of its range
      "optimizer { rate: 1 }\n"   // unknown group
      "train { batch: 3.5 }\n",   // not whole
      {"model.conv=HALF", "train", "model.heads=-1", "train.batch=1", "model=3"});
  const std::string message(config.status().message());
  EXPECT_THAT(config, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("11 faults")));
  EXPECT_THAT(message,
              HasSubstr(path_ + ":2: sampler.sampled_nodes is 0; allowed: a value in [1, 10000]"));
  EXPECT_THAT(message, HasSubstr(path_ + ":3: no field sampler.sampled_nodez"));
  EXPECT_THAT(message, HasSubstr("did you mean sampled_nodes?"));
  EXPECT_THAT(message, HasSubstr("sampler has: sampled_nodes, method, resample, prefetch_steps"));
  EXPECT_THAT(message,
              HasSubstr(path_ + ":5: model.width is wide; allowed: a whole number in [1, 4096]"));
  EXPECT_THAT(message, HasSubstr(path_ + ":6: model.ema_decay is 1; allowed: a value in [0, 1)"));
  EXPECT_THAT(message, HasSubstr(path_ + ":7: no field optimizer.rate"));
  EXPECT_THAT(message, HasSubstr("the config has: sampler, model, train, checkpoint"));
  EXPECT_THAT(message,
              HasSubstr(path_ + ":8: train.batch is 3.5; allowed: a whole number in [2, 2^30]"));
  EXPECT_THAT(
      message,
      HasSubstr("--set model.conv=HALF: model.conv is HALF; allowed: FULL, LOCAL, GLOBAL, NONE"));
  EXPECT_THAT(message, HasSubstr("--set train: expected FIELD=VALUE"));
  EXPECT_THAT(message,
              HasSubstr("--set model.heads=-1: model.heads is -1; allowed: a value in [1, 64]"));
  EXPECT_THAT(message,
              HasSubstr("--set train.batch=1: train.batch is 1; allowed: a value in [2, 2^30]"));
  EXPECT_THAT(message, HasSubstr("--set model=3: model is 3; model is a group"));
}

TEST_F(LoadConfigTest, RefusesAFieldSetTwiceInAFile) {
  EXPECT_THAT(
      Load("train { batch: 4 }\ntrain { batch: 5 }\n"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr(":2: train.batch is set to 5, but it was set before at " + path_ + ":1")));
}

TEST_F(LoadConfigTest, RefusesNumbersThatAreNone) {
  EXPECT_THAT(Load("", {"train.learning_rate=nan"}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Load("", {"train.learning_rate="}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Load("", {"train.seed=-1"}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Load("", {"train.batch=99999999999999999999"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(LoadConfigTest, RefusesAHeartbeatThatTimesOutBeforeItsNextBeat) {
  EXPECT_THAT(Load("", {"train.heartbeat_interval_seconds=20"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("train.heartbeat_timeout_seconds is 10; allowed: at least twice "
                                 "train.heartbeat_interval_seconds, 20")));
  EXPECT_OK(Load("", {"train.heartbeat_interval_seconds=0"}));
}

TEST_F(LoadConfigTest, NamesTheLineOfTextThatIsNoTextproto) {
  for (const char* text : {"\ntrain { batch: 4", "\ntrain { batch: }", "\n} train {}",
                           "\ntrain batch 4", "\n\"train\": 4", "\ntrain { seed: 'a }"}) {
    EXPECT_THAT(Load(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path_ + ":2: ")))
        << text;
  }
}

TEST_F(LoadConfigTest, PassesOverAByteOrderMark) {
  ASSERT_OK_AND_ASSIGN(const Config config, Load("\xef\xbb\xbftrain { batch: 4 }"));
  EXPECT_EQ(config.train().batch(), 4);
}

TEST_F(LoadConfigTest, ShowsTheFirstFaultsOfWhatIsNoTextInPrintableBytes) {
  std::string bytes = "x: '\xfe\x01'\n\x93NUMPY";
  for (int i = 0; i < 500; ++i) absl::StrAppend(&bytes, std::string(1, static_cast<char>(i)), "\n");
  const std::string message(Load(bytes).status().message());
  EXPECT_THAT(message, AllOf(HasSubstr("\n  and "), HasSubstr(" more"), HasSubstr("\\x93")));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 21);
  EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) {
    return c == '\n' || absl::ascii_isprint(static_cast<unsigned char>(c));
  }));
}

TEST_F(LoadConfigTest, TakesPresetsInAnyCase) {
  ASSERT_OK_AND_ASSIGN(const Config config, LoadConfig("ogbn-papers100M", {}));
  ASSERT_OK_AND_ASSIGN(const Config preset, LoadConfig("ogbn-papers100m", {}));
  EXPECT_EQ(ConfigToText(config), ConfigToText(preset));
}

TEST_F(LoadConfigTest, NamesThePresetsIfThereIsNoSuchSource) {
  EXPECT_THAT(LoadConfig(folder_ / "absent", {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("presets: ogbn-papers100m")));
}

TEST_F(LoadConfigTest, LoadsEveryPresetOfTheSourceTree) {
  size_t num_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(QH_SOURCE_DIR "/launch/configs")) {
    ++num_files;
    ASSERT_OK_AND_ASSIGN(const Config from_file, LoadConfig(entry.path().string(), {}));
    ASSERT_OK_AND_ASSIGN(const Config from_name, LoadConfig(entry.path().stem().string(), {}));
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(from_file, from_name))
        << entry.path();
  }
  EXPECT_EQ(num_files, Presets().size());
}

TEST_F(ConfigTest, ToTextReadsBackEqual) {
  ASSERT_OK_AND_ASSIGN(const Config config,
                       Load("train { learning_rate: 0.1000000000000000055 seed: 3 }"));
  ASSERT_OK_AND_ASSIGN(const Config again, Load(ConfigToText(config)));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(config, again));
  EXPECT_THAT(ConfigToText(config), HasSubstr("keep: 3"));
}

void ForEachScalar(const Descriptor& type,
                   const std::function<void(const FieldDescriptor&)>& body) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.message_type() != nullptr) {
      ForEachScalar(*field.message_type(), body);
    } else {
      body(field);
    }
  }
}

TEST(ConfigProto, GivesEveryNumberARangeThatHoldsItsDefault) {
  ForEachScalar(*Config::descriptor(), [](const FieldDescriptor& field) {
    double value = 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        value = field.default_value_int32();
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        value = static_cast<double>(field.default_value_int64());
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        value = field.default_value_double();
        break;
      default:
        return;
    }
    ASSERT_TRUE(field.options().HasExtension(range)) << field.full_name();
    ASSERT_OK_AND_ASSIGN(const Interval interval,
                         Interval::Parse(field.options().GetExtension(range)));
    EXPECT_TRUE(interval.Contains(value)) << field.full_name();
  });
}

TEST(Interval, KnowsWhichEndsItHolds) {
  ASSERT_OK_AND_ASSIGN(const Interval interval, Interval::Parse("(-1, 2^30]"));
  EXPECT_FALSE(interval.Contains(-1));
  EXPECT_TRUE(interval.Contains(-0.99));
  EXPECT_TRUE(interval.Contains(1073741824));
  EXPECT_FALSE(interval.Contains(1073741825));
}

TEST(Interval, RefusesTextThatIsNone) {
  for (const char* text : {"", "[", "1, 2", "[1]", "[1, 2, 3]", "[a, 2]", "[1, 2^x]", "[1, 2"}) {
    EXPECT_THAT(Interval::Parse(text), Not(IsOk())) << text;
  }
}

TEST(ModelOptions, GiveTheHeadFeaturesWhateverTheModules) {
  Config config;
  EXPECT_EQ(ModelOptions(config, {.features = 5}).dims.own_columns(), 0);
  config.mutable_model()->set_head_features(true);
  config.mutable_model()->set_width(8);
  for (const auto conv : {ModelConfig::FULL, ModelConfig::NONE}) {
    config.mutable_model()->set_conv(conv);
    const LargeGTOptions options = ModelOptions(config, {.features = 5, .hops_and_self = 3});
    EXPECT_EQ(options.head_inputs(), options.own_column() + 15);
  }
}

TEST(ModelOptions, MarkTokensOnlyWhereThereAreAny) {
  for (const auto conv : {ModelConfig::FULL, ModelConfig::GLOBAL}) {
    Config config;
    config.mutable_model()->set_token_marks(true);
    config.mutable_model()->set_conv(conv);
    EXPECT_EQ(ModelOptions(config, GraphDims()).dims.token_marks, conv == ModelConfig::FULL);
  }
}

}  // namespace
}  // namespace quadhop
