// Token attention on a GPU beside plain loops in double, for every shape of block it has.
#include "model/cuda/token_attention_cuda.h"

#include <absl/strings/str_cat.h>
#include <cuda_bf16.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "tests/support/norms.h"
#include "tests/support/status_matchers.h"

namespace quadhop::cuda {
namespace {

struct Case {
  std::vector<int> tokens;  // of each node
  int heads, width;
};
std::string NameOf(const testing::TestParamInfo<Case>& info) {
  std::string name = absl::StrCat("Heads", info.param.heads, "Width", info.param.width, "Tokens");
  for (const int tokens : info.param.tokens) absl::StrAppend(&name, "_", tokens);
  return name;
}

float Rounded(float value) { return __bfloat162float(__float2bfloat16_rn(value)); }

// What kernels are given, representable in bf16, and what they must give.
struct Expected {
  explicit Expected(const Case& c) : heads(c.heads), width(c.width) {
    begin.push_back(0);
    for (const int tokens : c.tokens) begin.push_back(begin.back() + tokens);
    const auto rows = static_cast<size_t>(begin.back());
    const size_t wide = static_cast<size_t>(heads) * static_cast<size_t>(width);
    RandomStream random(1, RandomPurpose::kTest, 0, 0);
    const auto fill = [&](std::vector<float>& values, size_t n, double deviation) {
      for (size_t i = 0; i < n; ++i)
        values.push_back(Rounded(static_cast<float>(deviation * random.Normal())));
    };
    fill(q, rows * wide, 1 / std::sqrt(width));
    fill(z, rows * static_cast<size_t>(width), 1);
    fill(d_y, rows * wide, 1);
    for (size_t i = 0; i < rows; ++i)
      log_multiplicity.push_back(std::log(static_cast<float>(1 + random.Below(3))));
    y.resize(rows * wide);
    d_q.resize(rows * wide);
    d_z.resize(rows * static_cast<size_t>(width));
    for (size_t node = 0; node < c.tokens.size(); ++node)
      for (int h = 0; h < heads; ++h)
        for (int64_t i = begin[node]; i < begin[node + 1]; ++i) Row(node, h, i);
  }

  // One query of one head, forward and backward.
  void Row(size_t node, int h, int64_t i) {
    const auto tokens = static_cast<size_t>(begin[node + 1] - begin[node]);
    const auto n = static_cast<size_t>(width);
    const size_t at =
        (static_cast<size_t>(i) * static_cast<size_t>(heads) + static_cast<size_t>(h)) * n;
    const auto key = [&](size_t j) { return (static_cast<size_t>(begin[node]) + j) * n; };
    std::vector<double> p(tokens), d_p(tokens);
    double sum = 0, mean = 0;
    for (size_t j = 0; j < tokens; ++j) {
      double score = double{log_multiplicity[static_cast<size_t>(begin[node]) + j]};
      for (size_t c = 0; c < n; ++c) {
        score += double{q[at + c]} * double{z[key(j) + c]};
        d_p[j] += double{d_y[at + c]} * double{z[key(j) + c]};
      }
      sum += p[j] = std::exp(score);
    }
    for (size_t j = 0; j < tokens; ++j) mean += (p[j] /= sum) * d_p[j];
    for (size_t j = 0; j < tokens; ++j) {
      const double d_score = p[j] * (d_p[j] - mean);
      for (size_t c = 0; c < n; ++c) {
        y[at + c] += p[j] * double{z[key(j) + c]};
        d_q[at + c] += d_score * double{z[key(j) + c]};
        d_z[key(j) + c] += p[j] * double{d_y[at + c]} + d_score * double{q[at + c]};
      }
    }
  }

  int heads, width;
  std::vector<int64_t> begin;
  std::vector<float> q, z, d_y, log_multiplicity;
  std::vector<double> y, d_q, d_z;
};

template <typename T>
std::vector<T> As(const std::vector<float>& values) {
  std::vector<T> as;
  for (const float value : values) {
    if constexpr (sizeof(T) == 2)
      as.push_back(__float2bfloat16_rn(value));
    else
      as.push_back(value);
  }
  return as;
}
float Widened(float value) { return value; }
float Widened(__nv_bfloat16 value) { return __bfloat162float(value); }

template <typename T>
double Error(Device& device, const Buffer<T>& got, const std::vector<double>& want) {
  std::vector<T> values(want.size());
  device.Download(got.data(), values.size() * sizeof(T), values.data());
  std::vector<float> widened;
  for (const T value : values) widened.push_back(Widened(value));
  return RelativeError(widened, want);
}

template <typename T>
Buffer<T> OnDevice(Device& device, const std::vector<T>& values) {
  Buffer<T> buffer(device, static_cast<int64_t>(values.size()));
  device.Upload(values.data(), values.size() * sizeof(T), buffer.data());
  return buffer;
}

template <typename T>
using Pass = void (*)(Device&, const TokenAttention<T>&);

template <typename T>
void Check(const Case& c, Pass<T> forward, Pass<T> backward, double tolerance) {
  absl::StatusOr<std::unique_ptr<Device>> opened = Device::Open(0);
  ASSERT_TRUE(opened.ok());
  Device& device = **opened;
  const Expected expected(c);
  const int64_t rows = expected.begin.back();
  TokenAttention<T> args{};
  args.heads = c.heads;
  args.width = c.width;
  args.tokens.nodes = static_cast<int64_t>(c.tokens.size());
  args.tokens.rows = rows;
  args.tokens.most_tokens = *std::max_element(c.tokens.begin(), c.tokens.end());
  args.token_limit = args.tokens.most_tokens;
  const Buffer<int64_t> begin = OnDevice(device, expected.begin);
  const Buffer<float> log_multiplicity = OnDevice(device, expected.log_multiplicity);
  args.tokens.begin = begin.data();
  args.tokens.log_multiplicity = log_multiplicity.data();
  const Buffer<T> q = OnDevice(device, As<T>(expected.q)), z = OnDevice(device, As<T>(expected.z));
  const Buffer<T> d_y = OnDevice(device, As<T>(expected.d_y));
  const int64_t scores = rows * c.heads * ScoreStride(args.tokens.most_tokens);
  const Buffer<T> p(device, scores), d_scores(device, scores);
  const Buffer<T> y(device, rows * c.heads * c.width), d_q(device, rows * c.heads * c.width);
  const Buffer<T> d_z(device, rows * c.width);
  args.q = q.data();
  args.z = z.data();
  args.d_y = d_y.data();
  args.p = p.data();
  args.d_scores = d_scores.data();
  args.y = y.data();
  args.d_q = d_q.data();
  args.d_z = d_z.data();
  forward(device, args);
  backward(device, args);
  EXPECT_LT(Error(device, y, expected.y), tolerance) << "y";
  EXPECT_LT(Error(device, d_q, expected.d_q), tolerance) << "d_q";
  EXPECT_LT(Error(device, d_z, expected.d_z), tolerance) << "d_z";
  EXPECT_OK(device.status());
}

class TokenAttentionTest : public testing::TestWithParam<Case> {};

// Sums of up to 1000 products in float: some sqrt(1000) * 2^-24.
TEST_P(TokenAttentionTest, InF32IsThatOfPlainLoops) {
  Check<float>(GetParam(), PortableAttentionForward, PortableAttentionBackward, 1e-5);
}
// Probabilities, gradients of scores and results are rounded to 2^-9.
constexpr double kBF16Tolerance = 8 * 0x1p-9;
TEST_P(TokenAttentionTest, InBF16IsThatOfPlainLoops) {
  Check<__nv_bfloat16>(GetParam(), PortableAttentionForward, PortableAttentionBackward,
                       kBF16Tolerance);
}
INSTANTIATE_TEST_SUITE_P(Shapes, TokenAttentionTest,
                         testing::Values(Case{{9}, 2, 8}, Case{{1, 60, 17}, 2, 64},
                                         Case{{63, 65}, 1, 20}, Case{{70, 3}, 3, 144},
                                         Case{{130, 64}, 1, 256}, Case{{150, 7}, 2, 48},
                                         Case{{301}, 1, 16}, Case{{40, 66}, 1, 512},
                                         Case{{321, 400}, 1, 16}, Case{{641}, 1, 8}),
                         NameOf);

// On GPUs whose blocks have less shared memory than a Hopper's 227 KB: an A100's have 163, most
// others' 99.
class SmallBlocksTest : public testing::TestWithParam<std::pair<int, Case>> {
 protected:
  // The stand-in's, or else that of this GPU.
  void SetUp() override {
    setenv("CUDA_ON_HOST_SHARED_KB", absl::StrCat(GetParam().first).c_str(), /*overwrite=*/1);
    absl::StatusOr<std::unique_ptr<Device>> device = Device::Open(0);
    ASSERT_TRUE(device.ok());
    if ((*device)->shared_bytes_per_block() >> 10 != static_cast<size_t>(GetParam().first))
      GTEST_SKIP() << "needs a GPU with blocks of " << GetParam().first << " KB";
  }
  void TearDown() override { unsetenv("CUDA_ON_HOST_SHARED_KB"); }
};

TEST_P(SmallBlocksTest, InF32IsThatOfPlainLoops) {
  Check<float>(GetParam().second, PortableAttentionForward, PortableAttentionBackward, 1e-5);
}
TEST_P(SmallBlocksTest, InBF16IsThatOfPlainLoops) {
  Check<__nv_bfloat16>(GetParam().second, PortableAttentionForward, PortableAttentionBackward,
                       kBF16Tolerance);
}

std::string KilobytesOf(const testing::TestParamInfo<std::pair<int, Case>>& info) {
  return absl::StrCat("Kilobytes", info.param.first);
}
// The presets of ogbn-papers100m and ogbn-products: 300 tokens.
INSTANTIATE_TEST_SUITE_P(Presets, SmallBlocksTest,
                         testing::Values(std::pair(163, Case{{300}, 2, 512}),
                                         std::pair(99, Case{{300}, 2, 256})),
                         KilobytesOf);

class HopperAttentionTest : public testing::TestWithParam<Case> {};

TEST_P(HopperAttentionTest, IsThatOfPlainLoops) {
  absl::StatusOr<std::unique_ptr<Device>> device = Device::Open(0);
  ASSERT_TRUE(device.ok());
  if ((*device)->compute_capability() != 90) GTEST_SKIP() << "needs a GPU of capability 9.0";
  Check<__nv_bfloat16>(GetParam(), HopperAttentionForward, HopperAttentionBackward, kBF16Tolerance);
}

INSTANTIATE_TEST_SUITE_P(Shapes, HopperAttentionTest,
                         testing::Values(Case{{9}, 2, 8}, Case{{1, 60, 17}, 2, 64},
                                         Case{{64, 65}, 1, 48}, Case{{150, 7}, 2, 128},
                                         Case{{70, 3}, 3, 144}, Case{{130, 64}, 1, 256},
                                         Case{{301}, 1, 16}, Case{{40, 320}, 1, 200},
                                         Case{{190, 129}, 2, 256}, Case{{256, 193}, 1, 128},
                                         Case{{300, 65}, 2, 64}),
                         NameOf);

// Of any batch: with merged repeats, the first may have fewer.
TEST(TokenAttention, RefusesMoreTokensThanABlockTakes) {
  absl::StatusOr<std::unique_ptr<Device>> opened = Device::Open(0);
  ASSERT_TRUE(opened.ok());
  TokenAttention<float> args{};
  args.heads = 1;
  args.width = 16;
  args.tokens.nodes = 1;
  args.tokens.most_tokens = 10;
  args.token_limit = 2000;
  TokenAttentionForward(**opened, args);
  EXPECT_THAT((*opened)->status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                            testing::HasSubstr("attention of 2000 tokens")));
}

}  // namespace
}  // namespace quadhop::cuda
