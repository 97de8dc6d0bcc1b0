// "MAT-File Format", MathWorks, level 5: a matrix is an element whose data are elements: flags,
// dims, name, then numbers; the parts of a sparse matrix are rows, column ends and numbers.
#include "partition/import/arrays/mat_element.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <vector>

#include "core/base/status.h"
#include "partition/import/bytes/inflater.h"

namespace quadhop {
namespace {

enum ElementType : uint32_t { kInt8 = 1, kInt32 = 5, kUint32 = 6, kMatrix = 14, kCompressed = 15 };
enum ArrayClass : uint32_t {
  kCell = 1,
  kStruct = 2,
  kObject = 3,
  kChar = 4,
  kSparse = 5,
  kFirstNumeric = 6,
  kLastNumeric = 15,
  kFunction = 16,
  kOpaque = 17
};
constexpr uint32_t kClassMask = 0xff;
constexpr uint32_t kComplexFlag = 0x800;
constexpr size_t kPieceBytes = 1 << 16;
constexpr uint64_t kBytesInTag = 4;  // of an element that stands in its tag
constexpr uint64_t kMostNameBytes = 4096;

absl::Status Refuse(absl::string_view reason) { return absl::InvalidArgumentError(reason); }

// Bytes of a number of this type; 0: it is no type of numbers.
uint64_t NumberBytes(uint32_t type) {
  static constexpr uint64_t kBytes[] = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8};
  return type < std::size(kBytes) ? kBytes[type] : 0;
}

// The bytes of an element one after another.
class Content {
 public:
  Content(absl::Span<const uint8_t> bytes, bool deflated)
      : bytes_(bytes), deflated_(deflated), inflater_(Inflater::Wrapper::kZlib) {}

  absl::Status Read(absl::Span<char> out) {
    while (!out.empty()) {
      QH_ASSIGN_OR_RETURN(const size_t count, Step(out));
      out.remove_prefix(count);
    }
    return absl::OkStatus();
  }
  absl::Status Skip(uint64_t num_bytes) {
    for (; num_bytes > 0; num_bytes -= std::min<uint64_t>(num_bytes, kPieceBytes))
      QH_RETURN_IF_ERROR(Read(Piece(std::min<uint64_t>(num_bytes, kPieceBytes))));
    return absl::OkStatus();
  }
  // Reads on to where the checksum of what was inflated is checked.
  absl::Status Finish() {
    while (deflated_ && !done_) QH_RETURN_IF_ERROR(Step(Piece(kPieceBytes)).status());
    return absl::OkStatus();
  }

 private:
  absl::Span<char> Piece(size_t num_bytes) {
    piece_.resize(kPieceBytes);
    return absl::MakeSpan(piece_.data(), num_bytes);
  }
  // Writes some of `out`; says how much.
  absl::StatusOr<size_t> Step(absl::Span<char> out) {
    Inflater::Progress step;
    if (deflated_ && !done_) {
      QH_ASSIGN_OR_RETURN(step, inflater_.Inflate(bytes_, out));
      done_ = step.done;
    } else if (!deflated_) {
      step.bytes_in = step.bytes_out = static_cast<int64_t>(std::min(out.size(), bytes_.size()));
      std::copy_n(bytes_.begin(), step.bytes_in, out.begin());
    }
    if (step.bytes_in == 0 && step.bytes_out == 0 && !step.done)
      return Refuse("it ends before all that its header says");
    bytes_.remove_prefix(static_cast<size_t>(step.bytes_in));
    return static_cast<size_t>(step.bytes_out);
  }

  absl::Span<const uint8_t> bytes_;  // not read yet
  bool deflated_;
  bool done_ = false;
  Inflater inflater_;
  std::vector<char> piece_;
};

class MatrixCheck {
 public:
  // left: bytes of the matrix.
  MatrixCheck(Content& content, uint64_t left, bool swapped)
      : content_(content), left_(left), swapped_(swapped) {}

  absl::StatusOr<MatHead> Run() {
    QH_RETURN_IF_ERROR(ReadFlags());
    MatHead head;
    head.array_class = flags_ & kClassMask;
    if (head.array_class != kOpaque) QH_RETURN_IF_ERROR(ReadDims());
    QH_RETURN_IF_ERROR(Part("name", &head.name).status());
    QH_RETURN_IF_ERROR(CheckData(head.array_class));
    head.room = room_;
    return head;
  }

 private:
  absl::Status CheckData(uint32_t array_class) {
    if (array_class == kSparse) return CheckSparse();
    if (array_class == kChar || !OtherMatClass(array_class).empty()) return content_.Skip(left_);
    if (array_class < kFirstNumeric || array_class > kLastNumeric)
      return Refuse(absl::StrCat("it is of the unknown class ", array_class));
    for (int i = 0; i < NumParts(); ++i) QH_RETURN_IF_ERROR(CheckNumbers());
    return content_.Skip(left_);
  }

  struct Tag {
    uint32_t type = 0;
    uint64_t num_bytes = 0;
  };

  absl::StatusOr<uint32_t> Number() {
    if (left_ < sizeof(uint32_t)) return Refuse("it ends within its header");
    uint32_t value;
    QH_RETURN_IF_ERROR(content_.Read({reinterpret_cast<char*>(&value), sizeof(value)}));
    left_ -= sizeof(value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }

  // Reads into `text` if it is given, else skips.
  absl::Status Take(uint64_t num_bytes, std::string* text) {
    left_ -= num_bytes;
    if (text == nullptr) return content_.Skip(num_bytes);
    if (num_bytes > kMostNameBytes) return Refuse("its name is too long");
    text->resize(num_bytes);
    return content_.Read(absl::MakeSpan(text->data(), text->size()));
  }

  // The tag of an element whose data follow it, within the matrix.
  absl::StatusOr<Tag> LongTag(absl::string_view what) {
    QH_ASSIGN_OR_RETURN(const uint32_t type, Number());
    QH_ASSIGN_OR_RETURN(const uint32_t num_bytes, Number());
    QH_RETURN_IF_ERROR(CheckFits(what, num_bytes));
    return Tag{type, num_bytes};
  }

  absl::Status CheckFits(absl::string_view what, uint64_t num_bytes) const {
    if (num_bytes <= left_) return absl::OkStatus();
    return Refuse(absl::StrCat("its ", what, " is said to have ", num_bytes, " bytes, but only ",
                               left_, " are left"));
  }

  // Goes past an element. One of up to 4 bytes may stand in its tag; others are padded to whole
  // words of 8 bytes.
  absl::StatusOr<Tag> Part(absl::string_view what, std::string* text = nullptr) {
    QH_ASSIGN_OR_RETURN(const uint32_t first, Number());
    if (const uint32_t in_tag = first >> 16; in_tag != 0) {
      if (in_tag > kBytesInTag)
        return Refuse(absl::StrCat("its ", what, " is said to have ", in_tag,
                                   " bytes in a tag; 4 is the most"));
      if (left_ < kBytesInTag) return Refuse("it ends within its header");
      QH_RETURN_IF_ERROR(Take(kBytesInTag, text));
      if (text != nullptr) text->resize(in_tag);
      return Tag{first & 0xffff, in_tag};
    }
    QH_ASSIGN_OR_RETURN(const uint64_t num_bytes, Number());
    QH_RETURN_IF_ERROR(CheckFits(what, num_bytes));
    QH_RETURN_IF_ERROR(Take(std::min((num_bytes + 7) / 8 * 8, left_), text));
    if (text != nullptr) text->resize(num_bytes);
    return Tag{first, num_bytes};
  }

  absl::Status ReadFlags() {
    QH_ASSIGN_OR_RETURN(const Tag tag, LongTag("flags"));
    if (tag.type != kUint32 || tag.num_bytes != 8)
      return Refuse("it does not begin with 8 bytes of flags");
    QH_ASSIGN_OR_RETURN(flags_, Number());
    return Number().status();  // the room of a sparse matrix
  }

  absl::Status ReadDims() {
    QH_ASSIGN_OR_RETURN(const Tag tag, LongTag("dims"));
    const uint64_t rank = tag.num_bytes / 4;
    if (tag.type != kInt32 || tag.num_bytes % 4 != 0 || rank < 2)
      return Refuse(absl::StrCat("its dims are ", tag.num_bytes, " bytes of type ", tag.type,
                                 "; at least two 32-bit numbers are needed"));
    for (uint64_t i = 0; i < rank; ++i) {
      QH_ASSIGN_OR_RETURN(const uint64_t dim, Number());
      if (i == 1) num_columns_ = dim;
      if (__builtin_mul_overflow(num_values_, dim, &num_values_))
        return Refuse("its dims are too large");
    }
    return rank % 2 == 0 ? absl::OkStatus() : Number().status();
  }

  int NumParts() const { return (flags_ & kComplexFlag) != 0 ? 2 : 1; }

  absl::Status CheckNumbers() {
    if (num_values_ == 0 && left_ == 0) return absl::OkStatus();
    QH_ASSIGN_OR_RETURN(const Tag tag, Part("array"));
    const uint64_t number_bytes = NumberBytes(tag.type);
    if (number_bytes == 0)
      return Refuse(absl::StrCat("its numbers are of the unknown type ", tag.type));
    if (tag.num_bytes % number_bytes != 0 || tag.num_bytes / number_bytes != num_values_)
      return Refuse(absl::StrCat("it has ", tag.num_bytes, " bytes of numbers of ", number_bytes,
                                 " bytes; its dims say ", num_values_, " numbers"));
    return absl::OkStatus();
  }

  absl::Status CheckSparse() {
    QH_ASSIGN_OR_RETURN(const Tag rows, Part("list of rows"));
    QH_ASSIGN_OR_RETURN(const Tag columns, Part("list of column ends"));
    if (rows.type != kInt32 || columns.type != kInt32 || rows.num_bytes % 4 != 0 ||
        columns.num_bytes != 4 * (num_columns_ + 1))
      return Refuse(absl::StrCat("its column ends are ", columns.num_bytes, " bytes; its dims say ",
                                 num_columns_, " columns"));
    room_ = static_cast<int64_t>(rows.num_bytes / 4);
    for (int i = 0; i < NumParts() && left_ > 0; ++i) {
      QH_ASSIGN_OR_RETURN(const Tag tag, Part("list of numbers"));
      if (NumberBytes(tag.type) == 0)
        return Refuse(absl::StrCat("its numbers are of the unknown type ", tag.type));
    }
    return content_.Skip(left_);
  }

  Content& content_;
  uint64_t left_;  // bytes of the matrix not read yet
  const bool swapped_;
  uint32_t flags_ = 0;
  uint64_t num_values_ = 1;
  uint64_t num_columns_ = 0;
  int64_t room_ = 0;
};

}  // namespace

absl::string_view OtherMatClass(uint32_t array_class) {
  switch (array_class) {
    case kCell:
      return "cell array";
    case kStruct:
      return "struct";
    case kObject:
    case kOpaque:
      return "object";
    case kFunction:
      return "function";
    default:
      return "";
  }
}

absl::StatusOr<MatHead> CheckMatVariable(uint32_t type, absl::Span<const uint8_t> element,
                                         bool swapped) {
  if (type == kMatrix) {
    Content content(element, false);
    return MatrixCheck(content, element.size(), swapped).Run();
  }
  if (type != kCompressed)
    return Refuse(absl::StrCat("it is of type ", type, "; variables are of type ", kMatrix, " or ",
                               kCompressed));
  Content content(element, true);
  uint32_t tag[2];  // type, bytes
  QH_RETURN_IF_ERROR(content.Read({reinterpret_cast<char*>(tag), sizeof(tag)}));
  if (swapped)
    for (uint32_t& word : tag) word = __builtin_bswap32(word);
  if (tag[0] != kMatrix)
    return Refuse(absl::StrCat("it is of type ", tag[0], "; a variable is of type ", kMatrix));
  QH_ASSIGN_OR_RETURN(MatHead head, MatrixCheck(content, tag[1], swapped).Run());
  QH_RETURN_IF_ERROR(content.Finish());
  return head;
}

}  // namespace quadhop
