#include "launch/tensorboard/event_file.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "launch/config/config_fields.h"
#include "launch/json/json_fields.h"
#include "launch/ranks/host_name.h"

namespace quadhop {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kPrefix[] = "events.out.tfevents.";
constexpr int32_t kFloat = 1;  // DT_FLOAT

// Masked as in the record format, so that the checksum of data that contains checksums is still a
// good one.
uint32_t MaskedCrc32c(absl::string_view bytes) {
  auto* const data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  const uint32_t crc = ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~uint32_t{0});
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

template <typename T>
std::string LittleEndian(T value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

double Now() { return absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()); }

google::protobuf::Value ValueOf(const Message& message, const FieldDescriptor& field) {
  const std::string text = FieldText(message, field);
  google::protobuf::Value value;
  double number = 0;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL)
    value.set_bool_value(text == "true");
  else if (absl::SimpleAtod(text, &number))
    value.set_number_value(number);
  else
    value.set_string_value(text);
  return value;
}

void AddScalars(const nlohmann::json& object, const std::string& prefix,
                tensorboard::Summary& summary) {
  for (const auto& [name, value] : object.items()) {
    if (value.is_object()) AddScalars(value, absl::StrCat(prefix, name, "/"), summary);
    if (!value.is_number() || name == "step" || name == "epoch" || name == "after_step") continue;
    tensorboard::SummaryValue& scalar = *summary.add_value();
    scalar.set_tag(prefix + name);
    scalar.set_simple_value(value.get<float>());
  }
}

// One event as the file has it: length, checksum of the length, bytes, checksum of the bytes
// (CRC-32C, masked).
std::string TensorBoardRecord(absl::string_view event) {
  const std::string length = LittleEndian(uint64_t{event.size()});
  return absl::StrCat(length, LittleEndian(MaskedCrc32c(length)), event,
                      LittleEndian(MaskedCrc32c(event)));
}

}  // namespace

absl::StatusOr<EventFile> EventFile::Create(const std::string& folder, int64_t first_step) {
  EventFile file(absl::StrFormat("%s/%s%010d.%s.%d", folder, kPrefix,
                                 static_cast<int64_t>(std::floor(Now())), HostName(), getpid()));
  file.fd_ = open(file.path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file.fd_ < 0) return ErrnoStatus(errno, absl::StrCat("create ", file.path_));
  tensorboard::Event version;
  version.set_file_version("brain.Event:2");
  QH_RETURN_IF_ERROR(file.Add(std::move(version)));
  tensorboard::Event start;
  start.set_step(first_step);
  start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  QH_RETURN_IF_ERROR(file.Add(std::move(start)));
  return file;
}

EventFile::EventFile(EventFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

EventFile::~EventFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status EventFile::Add(tensorboard::Event event) {
  event.set_wall_time(Now());
  // Half a record would hide all records after it.
  return AppendWhole(fd_, TensorBoardRecord(event.SerializeAsString()), path_);
}

absl::Status EventFile::AddHyperParameterEvent(const std::string& tag,
                                               const tensorboard::HyperParameters& content) {
  tensorboard::Event event;
  tensorboard::SummaryValue& value = *event.mutable_summary()->add_value();
  value.set_tag("_hparams_/" + tag);
  value.mutable_tensor()->set_dtype(kFloat);
  value.mutable_tensor()->mutable_tensor_shape()->add_dim()->set_size(0);
  tensorboard::PluginData& plugin = *value.mutable_metadata()->mutable_plugin_data();
  plugin.set_plugin_name("hparams");
  plugin.set_content(content.SerializeAsString());
  return Add(std::move(event));
}

absl::Status EventFile::AddHyperParameters(const Config& config) {
  tensorboard::HyperParameters content;
  ForEachField(config, [&](const auto& path, const auto& owner, const auto& field) {
    (*content.mutable_session_start()->mutable_hparams())[path] = ValueOf(owner, field);
  });
  content.mutable_session_start()->set_start_time_secs(Now());
  return AddHyperParameterEvent("session_start_info", content);
}

absl::Status EventFile::AddEnd() {
  tensorboard::HyperParameters content;
  content.mutable_session_end()->set_status(tensorboard::SessionEnd::SUCCESS);
  content.mutable_session_end()->set_end_time_secs(Now());
  return AddHyperParameterEvent("session_end_info", content);
}

absl::Status EventFile::AddLine(absl::string_view json) {
  const nlohmann::json line = ParseJson(json);
  QH_CHECK(line.is_object());
  const std::string kind = line.value("event", "");
  if (kind != "step" && kind != "epoch") return absl::OkStatus();
  tensorboard::Event event;
  // An epoch is recorded at its last step.
  event.set_step(kind == "step" ? line.value("step", int64_t{0})
                                : line.value("after_step", int64_t{1}) - 1);
  AddScalars(line, kind + "/", *event.mutable_summary());
  return Add(std::move(event));
}

absl::StatusOr<std::vector<std::string>> ListEventFiles(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolderIfPresent(folder));
  std::vector<std::string> files;
  for (const std::string& name : names)
    if (absl::StartsWith(name, kPrefix)) files.push_back(absl::StrCat(folder, "/", name));
  return files;
}

}  // namespace quadhop
