// Opcodes of pickles of protocol 2, as Python 2 and torch.save write them, to be put together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

std::string PickledText(const std::string& text);  // of less than 256 bytes
std::string PickledGlobal(const std::string& module, const std::string& name);
std::string PickledArray(const std::string& descr, const std::vector<int64_t>& dims,
                         const std::string& data);
std::string PickledCsr(int64_t rows, int64_t columns, const std::vector<int32_t>& indptr,
                       const std::vector<int32_t>& indices, const std::vector<float>& values);
// {node: [neighbours], ...}
std::string PickledLists(const std::vector<std::vector<int64_t>>& lists);
// What torch.save writes of a tensor whose numbers are in the member data/KEY of its archive.
std::string PickledTensor(const std::string& storage, const std::string& key, int64_t elements,
                          int64_t offset, const std::vector<int64_t>& dims,
                          const std::vector<int64_t>& strides);
std::string Pickled(const std::string& value);      // with its header and end
std::string NpyOfObject(const std::string& value);  // an array of one object

}  // namespace quadhop
