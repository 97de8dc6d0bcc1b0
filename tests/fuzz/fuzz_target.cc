// A fuzz target for libFuzzer, one program for each name of reader.cc; QH_FUZZ_TARGET is its name.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Never destroyed: libFuzzer ends the process without a word to it.
  static const auto* const kReaders = new std::vector<std::unique_ptr<quadhop::Reader>>(
      quadhop::FuzzTargetOf(QH_FUZZ_TARGET).make_readers());
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const std::unique_ptr<quadhop::Reader>& reader : *kReaders) {
    quadhop::ReadChecked(*reader, bytes).status().IgnoreError();
    const std::string sealed = reader->Sealed(bytes);
    if (sealed != bytes) quadhop::ReadChecked(*reader, sealed).status().IgnoreError();
  }
  return 0;
}
