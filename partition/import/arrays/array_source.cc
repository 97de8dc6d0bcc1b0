#include "partition/import/arrays/array_source.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/base/status.h"
#include "core/files/file.h"

namespace quadhop {
namespace {

constexpr int64_t kBlockElements = int64_t{1} << 17;
constexpr size_t kMaxHeaderBytes = size_t{1} << 16;

class StringSource : public ByteSource {
 public:
  explicit StringSource(std::string data) : data_(std::move(data)) {}
  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    const size_t count = std::min(out.size(), data_.size() - at_);
    if (count > 0) std::memcpy(out.data(), data_.data() + at_, count);
    at_ += count;
    return static_cast<int64_t>(count);
  }

 private:
  std::string data_;
  size_t at_ = 0;
};

// The element as T; false if T cannot hold it.
template <typename T, typename From>
inline bool Convert(From value, T* out) {
  if constexpr (std::is_same_v<T, int64_t>) {
    if constexpr (std::is_floating_point_v<From>) {
      if (!(value >= static_cast<From>(-9.2e18) && value <= static_cast<From>(9.2e18)) ||
          value != std::floor(value))
        return false;
    } else if constexpr (std::is_same_v<From, uint64_t>) {
      if (value > uint64_t{INT64_MAX}) return false;
    }
  }
  *out = static_cast<T>(value);
  return true;
}

// How many elements were converted: `count`, or the first that T cannot hold.
template <typename From, typename T>
int64_t ConvertAll(const char* bytes, int64_t count, T* out) {
  for (int64_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, bytes + i * static_cast<int64_t>(sizeof(From)), sizeof(From));
    if (!Convert<T>(value, out + i)) return i;
  }
  return count;
}

template <typename T>
int64_t ConvertHalf(const char* bytes, int64_t count, T* out) {
  for (int64_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, bytes + 2 * i, 2);
    if (!Convert<T>(F16ToFloat(bits), out + i)) return i;
  }
  return count;
}

template <typename T>
int64_t ConvertElements(DType dtype, const char* bytes, int64_t count, T* out) {
  switch (dtype) {
    case DType::kF32:
      return ConvertAll<float>(bytes, count, out);
    case DType::kF64:
      return ConvertAll<double>(bytes, count, out);
    case DType::kF16:
      return ConvertHalf(bytes, count, out);
    case DType::kI64:
      return ConvertAll<int64_t>(bytes, count, out);
    case DType::kI32:
      return ConvertAll<int32_t>(bytes, count, out);
    case DType::kI16:
      return ConvertAll<int16_t>(bytes, count, out);
    case DType::kI8:
      return ConvertAll<int8_t>(bytes, count, out);
    case DType::kU64:
      return ConvertAll<uint64_t>(bytes, count, out);
    case DType::kU32:
      return ConvertAll<uint32_t>(bytes, count, out);
    case DType::kU16:
    case DType::kBF16:  // no file of another program says bf16
      return ConvertAll<uint16_t>(bytes, count, out);
    case DType::kU8:
      return ConvertAll<uint8_t>(bytes, count, out);
  }
  return 0;
}

}  // namespace

absl::Status ArrayError(absl::string_view place, absl::string_view got, absl::string_view allowed) {
  return absl::InvalidArgumentError(absl::StrCat(place, " is ", got, "; ", allowed));
}

absl::StatusOr<ArraySource> ArraySource::OpenNpy(const std::string& path) {
  QH_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  return OfNpyBytes(ReadMapped(std::move(file)), path);
}

absl::StatusOr<ArraySource> ArraySource::OfNpyBytes(std::unique_ptr<ByteSource> bytes,
                                                    std::string place) {
  std::string head(12, '\0');  // magic, version, and a length of 2 or 4 bytes
  QH_ASSIGN_OR_RETURN(int64_t count, bytes->Read(absl::MakeSpan(head.data(), head.size())));
  head.resize(static_cast<size_t>(count));
  if (head.size() == 12) {
    const auto byte = [&](size_t i) { return size_t{static_cast<uint8_t>(head[i])}; };
    const bool long_form = byte(6) > 1;
    const size_t length = long_form ? byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24
                                    : byte(8) | byte(9) << 8;
    const size_t total = (long_form ? 12 : 10) + std::min(length, kMaxHeaderBytes);
    if (total > head.size()) {
      std::string rest(total - head.size(), '\0');
      QH_ASSIGN_OR_RETURN(count, bytes->Read(absl::MakeSpan(rest.data(), rest.size())));
      head.append(rest, 0, static_cast<size_t>(count));
    }
  }
  ArraySource source;
  QH_ASSIGN_OR_RETURN(
      source.header_,
      ParseNpyHeader({reinterpret_cast<const uint8_t*>(head.data()), head.size()}, place));
  if (source.header_.data_offset != static_cast<int64_t>(head.size()))
    return ArrayError(place, "not an .npy array", "its header is too short or too long");
  source.place_ = std::move(place);
  source.bytes_ = std::move(bytes);
  return source;
}

ArraySource ArraySource::OfData(DType dtype, bool fortran_order, std::vector<int64_t> dims,
                                std::unique_ptr<ByteSource> data, std::string place) {
  ArraySource source;
  source.header_.dtype = dtype;
  source.header_.fortran_order = fortran_order;
  source.header_.dims = std::move(dims);
  source.bytes_ = std::move(data);
  source.place_ = std::move(place);
  return source;
}

ArraySource ArraySource::OfMemory(DType dtype, bool fortran_order, std::vector<int64_t> dims,
                                  std::string data, std::string place) {
  const auto num_bytes = static_cast<int64_t>(data.size());
  ArraySource source = OfData(dtype, fortran_order, std::move(dims),
                              std::make_unique<StringSource>(std::move(data)), std::move(place));
  QH_CHECK_EQ(source.header_.data_bytes(), num_bytes);
  return source;
}

std::string ArraySource::DimsText() const {
  return absl::StrCat("[", absl::StrJoin(dims(), ", "), "]");
}

// What is wrong with the bytes handed out: a checksum is checked only when what follows them is
// asked for.
absl::Status ArraySource::FaultAtEnd() {
  char next;
  return bytes_->Read(absl::MakeSpan(&next, 1)).status();
}

absl::Status ArraySource::ReadBytes(int64_t num_elements) {
  const int64_t element_bytes = SizeOfDType(dtype());
  buffer_.resize(static_cast<size_t>(num_elements * element_bytes));
  QH_ASSIGN_OR_RETURN(const int64_t count, bytes_->Read(absl::MakeSpan(buffer_)));
  if (count < static_cast<int64_t>(buffer_.size()) || next_ + num_elements == size())
    QH_RETURN_IF_ERROR(FaultAtEnd());
  if (count < static_cast<int64_t>(buffer_.size()))
    return absl::DataLossError(absl::StrCat(place_, " ends in element ",
                                            next_ + count / element_bytes, " of the ", size(),
                                            " that its header says; fetch or make it again"));
  return absl::OkStatus();
}

template <typename T>
absl::Status ArraySource::Read(absl::Span<T> out) {
  QH_CHECK_LE(next_ + static_cast<int64_t>(out.size()), size());
  for (size_t at = 0; at < out.size();) {
    const int64_t count = std::min(static_cast<int64_t>(out.size() - at), kBlockElements);
    QH_RETURN_IF_ERROR(ReadBytes(count));
    const int64_t good = ConvertElements<T>(dtype(), buffer_.data(), count, out.data() + at);
    if (good < count) {
      double value = 0;
      ConvertElements<double>(dtype(), buffer_.data() + good * SizeOfDType(dtype()), 1, &value);
      return ArrayError(absl::StrCat(place_, " element ", next_ + good),
                        absl::StrCat(value, ", not a whole number below 2^63"),
                        "ids, classes and sizes must be");
    }
    next_ += count;
    at += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

absl::Status ArraySource::Skip(int64_t num_elements) {
  QH_CHECK_LE(next_ + num_elements, size());
  while (num_elements > 0) {
    const int64_t count = std::min(num_elements, kBlockElements);
    QH_RETURN_IF_ERROR(ReadBytes(count));
    next_ += count;
    num_elements -= count;
  }
  return absl::OkStatus();
}

template <typename T>
absl::StatusOr<std::vector<T>> ArraySource::ReadRest(int64_t max_bytes) {
  const int64_t left = size() - next_;
  if (left > max_bytes / static_cast<int64_t>(sizeof(T)))
    return absl::ResourceExhaustedError(absl::StrCat(
        place_, " has ", left, " elements: ", left / 1000000 * static_cast<int64_t>(sizeof(T)),
        " MB, but only ", max_bytes / 1000000, " MB may be used (--memory)"));
  std::vector<T> values;
  while (static_cast<int64_t>(values.size()) < left) {
    const size_t at = values.size();
    const int64_t count = std::min(left - static_cast<int64_t>(at), kBlockElements);
    values.resize(at + static_cast<size_t>(count));
    QH_RETURN_IF_ERROR(Read(absl::MakeSpan(values).subspan(at)));
  }
  return values;
}

template absl::Status ArraySource::Read(absl::Span<int64_t>);
template absl::Status ArraySource::Read(absl::Span<float>);
template absl::Status ArraySource::Read(absl::Span<double>);
template absl::StatusOr<std::vector<int64_t>> ArraySource::ReadRest(int64_t);
template absl::StatusOr<std::vector<float>> ArraySource::ReadRest(int64_t);
template absl::StatusOr<std::vector<double>> ArraySource::ReadRest(int64_t);

absl::StatusOr<int64_t> ReadNumber(ArraySource array, absl::string_view allowed) {
  if (array.size() != 1) return ArrayError(array.place(), array.DimsText(), allowed);
  int64_t number = 0;
  QH_RETURN_IF_ERROR(array.Read(absl::MakeSpan(&number, 1)));
  return number;
}

}  // namespace quadhop
