#include "train/tensorboard_writer.h"

#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "train/crc32c.h"

namespace plumb {
namespace {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Field numbers of Event, SessionLog, Summary and Summary.Value.
constexpr uint32_t kEventWallTime = 1;
constexpr uint32_t kEventStep = 2;
constexpr uint32_t kEventFileVersion = 3;
constexpr uint32_t kEventSummary = 5;
constexpr uint32_t kEventSessionLog = 7;
constexpr uint32_t kSessionLogStatus = 1;
constexpr uint64_t kSessionStart = 1;
constexpr uint32_t kSummaryValue = 1;
constexpr uint32_t kValueTag = 1;
constexpr uint32_t kValueSimple = 2;

void AppendVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

template <typename T>
void AppendFixed(T value, std::string& out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void AppendTag(uint32_t field, WireType type, std::string& out) { AppendVarint(field << 3 | type, out); }

void AppendBytesField(uint32_t field, absl::string_view bytes, std::string& out) {
  AppendTag(field, kBytes, out);
  AppendVarint(bytes.size(), out);
  out.append(bytes.data(), bytes.size());
}

// The start of an Event, with the fields that all have.
std::string StartEvent(int64_t step) {
  std::string event;
  AppendTag(kEventWallTime, kFixed64, event);
  AppendFixed(absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()), event);
  AppendTag(kEventStep, kVarint, event);
  AppendVarint(static_cast<uint64_t>(step), event);
  return event;
}

std::string VersionEvent() {
  std::string event = StartEvent(0);
  AppendBytesField(kEventFileVersion, "brain.Event:2", event);
  return event;
}

std::string SessionStartEvent(int64_t first_step) {
  std::string session;
  AppendTag(kSessionLogStatus, kVarint, session);
  AppendVarint(kSessionStart, session);
  std::string event = StartEvent(first_step);
  AppendBytesField(kEventSessionLog, session, event);
  return event;
}

std::string ScalarsEvent(int64_t step, const StepMetrics& metrics) {
  std::string summary;
  for (const auto& [name, value] : metrics) {
    std::string scalar;
    AppendBytesField(kValueTag, name, scalar);
    AppendTag(kValueSimple, kFixed32, scalar);
    AppendFixed(static_cast<float>(value), scalar);
    AppendBytesField(kSummaryValue, scalar, summary);
  }
  std::string event = StartEvent(step);
  AppendBytesField(kEventSummary, summary, event);
  return event;
}

std::string Record(absl::string_view payload) {
  std::string length;
  AppendFixed(static_cast<uint64_t>(payload.size()), length);
  std::string record = length;
  AppendFixed(MaskedCrc32c(length), record);
  record.append(payload.data(), payload.size());
  AppendFixed(MaskedCrc32c(payload), record);
  return record;
}

// A name that sorts behind those of earlier sessions, as TensorBoard reads files in that order.
std::string UnusedPath(const std::string& folder) {
  char host[256] = "localhost";
  if (::gethostname(host, sizeof(host) - 1) != 0) std::strcpy(host, "localhost");
  for (int number = 0;; ++number) {
    const std::string path =
        JoinPath(folder, absl::StrFormat("events.out.tfevents.%010d.%s.%d.%d", absl::ToUnixSeconds(absl::Now()), host,
                                         ::getpid(), number));
    if (!FileExists(path)) return path;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<TensorBoardWriter>> TensorBoardWriter::Create(const std::string& folder,
                                                                             int64_t first_step) {
  std::unique_ptr<TensorBoardWriter> writer(new TensorBoardWriter(UnusedPath(folder)));
  RETURN_IF_ERROR(
      AppendToFile(writer->path_, absl::StrCat(Record(VersionEvent()), Record(SessionStartEvent(first_step)))));
  return writer;
}

absl::Status TensorBoardWriter::Write(int64_t step, const StepMetrics& metrics) {
  return AppendToFile(path_, Record(ScalarsEvent(step, metrics)));
}

}  // namespace plumb
