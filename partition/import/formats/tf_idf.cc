#include "partition/import/formats/tf_idf.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/ascii.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace quadhop {
namespace {

std::vector<std::string> WordsOf(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && absl::ascii_isalpha(static_cast<unsigned char>(text[i]))) {
      word.push_back(absl::ascii_tolower(static_cast<unsigned char>(text[i])));
    } else {
      if (word.size() >= 2) words.push_back(word);
      word.clear();
    }
  }
  return words;
}

using Counts = std::vector<std::pair<uint32_t, int64_t>>;  // (word, times), ascending

// The words of each text by their number in order of appearance, which `words` then holds.
std::vector<Counts> CountWords(absl::Span<const std::string> texts,
                               std::vector<std::string>* words) {
  absl::flat_hash_map<std::string, uint32_t> numbers;
  std::vector<Counts> rows(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    std::vector<uint32_t> ids;
    for (const std::string& word : WordsOf(texts[i])) {
      const auto [at, is_new] = numbers.emplace(word, static_cast<uint32_t>(words->size()));
      if (is_new) words->push_back(word);
      ids.push_back(at->second);
    }
    std::sort(ids.begin(), ids.end());
    for (const uint32_t id : ids) {
      if (rows[i].empty() || rows[i].back().first != id) rows[i].push_back({id, 0});
      ++rows[i].back().second;
    }
  }
  return rows;
}

constexpr uint32_t kLeftOut = UINT32_MAX;

}  // namespace

SparseMatrix TfIdf::matrix() const {
  return {.num_rows = static_cast<int64_t>(indptr.size()) - 1,
          .num_cols = static_cast<int64_t>(words.size()),
          .indptr = indptr,
          .indices = indices,
          .values = values};
}

TfIdf MakeTfIdf(absl::Span<const std::string> texts) {
  std::vector<std::string> all_words;
  std::vector<Counts> rows = CountWords(texts, &all_words);
  std::vector<int64_t> num_texts(all_words.size(), 0);  // that a word stands in
  for (const Counts& row : rows)
    for (const auto& [word, times] : row) ++num_texts[word];

  TfIdf result;
  std::vector<std::pair<std::string, uint32_t>> kept;
  for (uint32_t word = 0; word < all_words.size(); ++word)
    if (num_texts[word] >= 2) kept.push_back({all_words[word], word});
  std::sort(kept.begin(), kept.end());
  std::vector<uint32_t> column(all_words.size(), kLeftOut);
  for (const auto& [word, number] : kept) {
    column[number] = static_cast<uint32_t>(result.words.size());
    result.words.push_back(word);
  }

  result.indptr.push_back(0);
  for (const Counts& row : rows) {
    std::vector<std::pair<uint32_t, double>> entries;
    double squares = 0;
    for (const auto& [word, times] : row) {
      if (column[word] == kLeftOut) continue;
      const double weight =
          (1 + std::log(static_cast<double>(times))) *
          std::log(static_cast<double>(texts.size()) / static_cast<double>(num_texts[word]));
      entries.push_back({column[word], weight});
    }
    std::sort(entries.begin(), entries.end());
    for (const auto& [word, weight] : entries) squares += weight * weight;
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (const auto& [word, weight] : entries) {
      result.indices.push_back(word);
      result.values.push_back(static_cast<float>(weight * scale));
    }
    result.indptr.push_back(static_cast<int64_t>(result.indices.size()));
  }
  return result;
}

}  // namespace quadhop
