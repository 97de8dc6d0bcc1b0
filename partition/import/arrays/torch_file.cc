#include "partition/import/arrays/torch_file.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <vector>

#include "core/base/status.h"

namespace quadhop {
namespace {

using Kind = PickleValue::Kind;

constexpr absl::string_view kPickle = "data.pkl";
// How files of torch.save began before they were zip archives: a number as pickle writes it.
constexpr absl::string_view kBeginOfOld("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20", 10);

bool IsOld(const std::string& path) {
  std::string begin(kBeginOfOld.size(), '\0');
  return std::ifstream(path, std::ios::binary)
             .read(begin.data(), static_cast<std::streamsize>(begin.size()))
             .good() &&
         begin == kBeginOfOld;
}

// "torch_sparse.tensor.SparseTensor", or what else it is.
std::string Described(const PickleValue& value) {
  switch (value.kind) {
    case Kind::kNone:
      return "None";
    case Kind::kObject:
      return absl::CHexEscape(absl::StrReplaceAll(value.text, {{" ", "."}}));
    case Kind::kText:
      return "a text";
    case Kind::kNumber:
      return "one number";
    case Kind::kList:
      return "a list";
    case Kind::kDict:
      return "a dict";
    default:
      return "no tensor";
  }
}

// The arguments of a call of `function`, or null.
const PickleValue* ArgumentsOf(const PickleValue& value, absl::string_view function) {
  const bool is_call = value.kind == Kind::kObject && value.text == function &&
                       value.content != nullptr && value.content->kind == Kind::kList;
  return is_call ? value.content : nullptr;
}

absl::StatusOr<DType> DTypeOfStorage(const PickleValue& type, const std::string& place) {
  static constexpr std::pair<absl::string_view, DType> kTypes[] = {
      {"FloatStorage", DType::kF32}, {"DoubleStorage", DType::kF64}, {"HalfStorage", DType::kF16},
      {"LongStorage", DType::kI64},  {"IntStorage", DType::kI32},    {"ShortStorage", DType::kI16},
      {"CharStorage", DType::kI8},   {"ByteStorage", DType::kU8},    {"BoolStorage", DType::kU8}};
  for (const auto& [name, dtype] : kTypes)
    if (type.text == absl::StrCat("torch ", name)) return dtype;
  return ArrayError(place, absl::StrCat("a tensor of ", Described(type)),
                    "numbers of 64, 32, 16 or 8 bits are read: save TENSOR.float()");
}

absl::StatusOr<std::vector<int64_t>> Integers(const PickleValue& list, const std::string& place) {
  std::vector<int64_t> values;
  for (const PickleValue* item : list.items) {
    if (item->kind != Kind::kInteger || item->integer < 0)
      return ArrayError(place, "a tensor whose sizes or strides are no whole numbers",
                        "fetch or make it again");
    values.push_back(item->integer);
  }
  return values;
}

// Whether elements stand one after another if the dims are counted from the last (or the first).
// No dim is 0.
bool IsDense(std::vector<int64_t> dims, std::vector<int64_t> strides, bool from_last) {
  if (from_last) {
    std::reverse(dims.begin(), dims.end());
    std::reverse(strides.begin(), strides.end());
  }
  int64_t step = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] > 1 && strides[i] != step) return false;
    step *= dims[i];
  }
  return true;
}

absl::Status PassOver(ByteSource& bytes, int64_t count) {
  std::vector<char> passed(static_cast<size_t>(std::min<int64_t>(count, int64_t{1} << 20)));
  while (count > 0) {
    const auto wanted = static_cast<size_t>(std::min<int64_t>(count, int64_t{1} << 20));
    QH_ASSIGN_OR_RETURN(const int64_t got, bytes.Read(absl::MakeSpan(passed.data(), wanted)));
    if (got == 0) return absl::OkStatus();  // whoever reads on is told where it ends
    count -= got;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TorchFile> TorchFile::Open(const std::string& path, int64_t max_bytes) {
  if (IsOld(path))
    return absl::InvalidArgumentError(
        absl::StrCat(path, " was written by PyTorch before 1.6: load it, and torch.save it again"));
  QH_ASSIGN_OR_RETURN(ZipFile zip, ZipFile::Open(path));
  const auto found =
      std::find_if(zip.members().begin(), zip.members().end(), [](const std::string& member) {
        return member == kPickle || absl::EndsWith(member, absl::StrCat("/", kPickle));
      });
  if (found == zip.members().end())
    return absl::InvalidArgumentError(absl::StrCat(
        path, " has no member ", kPickle, ", which torch.save writes: did it write this file?"));
  const std::string folder = found->substr(0, found->size() - kPickle.size());
  const std::string byte_order = folder + "byteorder";
  if (zip.Has(byte_order)) {
    QH_ASSIGN_OR_RETURN(const std::string order, zip.ReadWhole(byte_order, 1 << 20, byte_order));
    if (order == "big")
      return absl::InvalidArgumentError(
          absl::StrCat(path, " has big-endian numbers: write it on a little-endian machine"));
  }
  const std::string place = absl::StrCat(path, ": ", *found);
  QH_ASSIGN_OR_RETURN(const std::string bytes, zip.ReadWhole(*found, max_bytes, place));
  QH_ASSIGN_OR_RETURN(Pickle pickle, Pickle::Read(bytes, place, Pickle::Unknown::kKept));
  return TorchFile(std::move(zip), folder, std::move(pickle));
}

absl::StatusOr<ArraySource> TorchFile::Array(const PickleValue& value,
                                             const std::string& name) const {
  const std::string place = absl::StrCat(path(), ": ", name);
  if (value.kind == Kind::kArray) return ArrayOf(value, place);
  if (value.kind == Kind::kInteger)
    return ArraySource::OfMemory(
        DType::kI64, false, {},
        std::string(reinterpret_cast<const char*>(&value.integer), sizeof(int64_t)), place);
  const PickleValue* call = ArgumentsOf(value, "torch._utils _rebuild_tensor_v2");
  const PickleValue* const of_parameter = ArgumentsOf(value, "torch._utils _rebuild_parameter");
  if (of_parameter != nullptr && !of_parameter->items.empty())
    call = ArgumentsOf(*of_parameter->items[0], "torch._utils _rebuild_tensor_v2");
  if (call != nullptr) return Tensor(*call, place);
  return ArrayError(place, Described(value), "a dense tensor or a numpy array is needed");
}

// (("storage", type, key, device, elements), offset, sizes, strides, ...)
absl::StatusOr<ArraySource> TorchFile::Tensor(const PickleValue& call,
                                              const std::string& place) const {
  const auto& items = call.items;
  if (items.size() < 4 || items[0]->items.size() < 5 || items[1]->kind != Kind::kInteger ||
      items[1]->integer < 0)
    return ArrayError(place, "a tensor in a form that is not read",
                      "load it, and torch.save it again");
  const std::vector<PickleValue*>& storage = items[0]->items;
  QH_ASSIGN_OR_RETURN(const DType dtype, DTypeOfStorage(*storage[1], place));
  QH_ASSIGN_OR_RETURN(std::vector<int64_t> dims, Integers(*items[2], place));
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, Integers(*items[3], place));
  int64_t end = SizeOfDType(dtype);
  bool overflow = dims.size() != strides.size();
  for (const int64_t dim : dims) overflow |= __builtin_mul_overflow(end, dim, &end);
  int64_t begin = 0;
  overflow |= __builtin_mul_overflow(items[1]->integer, SizeOfDType(dtype), &begin);
  if (overflow)
    return ArrayError(place, "a tensor whose sizes do not fit", "fetch or make it again");
  const bool by_rows = end == 0 || IsDense(dims, strides, /*from_last=*/true);
  if (!by_rows && !IsDense(dims, strides, /*from_last=*/false))
    return ArrayError(place, "a view of a part of a tensor, with gaps", "save TENSOR.contiguous()");
  QH_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> bytes,
                      zip_.Read(absl::StrCat(folder_, "data/", storage[2]->text)));
  QH_RETURN_IF_ERROR(PassOver(*bytes, begin));
  return ArraySource::OfData(dtype, !by_rows, std::move(dims), std::move(bytes), place);
}

}  // namespace quadhop
