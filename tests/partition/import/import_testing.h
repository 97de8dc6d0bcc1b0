// Small inputs for import tests, written by the tests themselves.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.h"

namespace quadhop {

// A folder of the test's own, gone with the object.
class InputFolder : public TempDir {
 public:
  // Makes the folders on the way.
  void Write(const std::string& name, const std::string& text) const {
    const std::string path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
};

// One gzip member (RFC 1952) of stored blocks: no compression, and no library.
inline std::string GzipOf(const std::string& text) {
  auto little_endian = [](uint32_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    return out;
  };
  uint32_t crc = 0xffffffffu;
  for (const char c : text) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  size_t at = 0;
  do {
    const std::string block = text.substr(at, 65535);
    at += block.size();
    const uint32_t size = static_cast<uint32_t>(block.size());
    out += std::string(1, at == text.size() ? '\1' : '\0');
    out += little_endian(size, 2) + little_endian(~size, 2) + block;
  } while (at < text.size());
  return out + little_endian(~crc, 4) + little_endian(static_cast<uint32_t>(text.size()), 4);
}

// ../shared/data, or QH_DATA.
inline std::string RealData() {
  const char* folder = std::getenv("QH_DATA");
  return folder != nullptr ? folder : QH_SOURCE_DIR "/../shared/data";
}

}  // namespace quadhop
