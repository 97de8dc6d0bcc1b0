// One little graph in every format that is imported, written by other code than reads it.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/arrays/dtype.h"

namespace quadhop {

// An .npy file with these data. `fortran_order` only changes what the header says.
std::string NpyOf(DType dtype, std::vector<int64_t> dims, const std::string& data,
                  bool fortran_order = false);

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}
template <typename T>
std::string NpyOf(std::vector<int64_t> dims, const std::vector<T>& values,
                  bool fortran_order = false) {
  return NpyOf(DTypeOf<T>(), std::move(dims), BytesOf(values), fortran_order);
}

// A zip archive by libzip, members deflated or stored.
void WriteZip(const std::string& path, const std::map<std::string, std::string>& members,
              bool deflate = true);

// The graph: 6 nodes, edges 0-1, 0-2, 1-2, 3-4; 3 features, 3 classes.
struct LittleGraph {
  static constexpr int64_t kNodes = 6;
  static constexpr int64_t kFeatures = 3;
  std::vector<std::pair<int64_t, int64_t>> edges = {{0, 1}, {2, 0}, {1, 2}, {4, 3}};
  std::vector<float> features = {1, 0, 2, 0, 0, 3, 4, 0, 0, 0, 5, 0, 0, 0, 0, 6, 7, 8};  // [N, F]
  std::vector<int64_t> labels = {0, 1, 2, 1, 0, 2};
  std::vector<uint8_t> split = {1, 1, 2, 2, 3, 3};

  std::vector<std::vector<int64_t>> Neighbors() const;  // both directions, ascending
  std::vector<int32_t> FeatureIndptr(int64_t begin = 0, int64_t end = kNodes) const;
  std::vector<int32_t> FeatureIndices(int64_t begin = 0, int64_t end = kNodes) const;
  std::vector<float> FeatureValues(int64_t begin = 0, int64_t end = kNodes) const;
};

// Writes the graph into `folder` in a format ("ogb", "shchur", ...), and returns what --from says.
struct WrittenInput {
  std::string from;
  bool has_split = true;        // else one is made at random
  bool has_companions = false;  // FOLDER/{x,y,s}.npy hold features, labels and split
  std::string nodes{};          // what --nodes says; empty: nothing
};
std::vector<std::string> WritableFormats();
WrittenInput WriteLittleGraph(const std::string& format, const std::string& folder);

}  // namespace quadhop
