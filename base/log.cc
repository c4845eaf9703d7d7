#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/printable_text.h"

namespace plumb {
namespace {

constexpr char kPattern[] = "%Y-%m-%dT%H:%M:%S.%fZ %L %v";

std::shared_ptr<spdlog::logger> MakeLogger() {
  auto console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  console->set_level(spdlog::level::info);
  auto logger = std::make_shared<spdlog::logger>("plumb", console);
  logger->set_level(spdlog::level::debug);
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(kPattern, spdlog::pattern_time_type::utc));
  logger->flush_on(spdlog::level::info);
  return logger;
}

// Never destroyed, so that threads may log while the program ends.
spdlog::logger& Logger() {
  static auto* logger = new std::shared_ptr<spdlog::logger>(MakeLogger());
  return **logger;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void LogLine(LogLevel level, absl::string_view component, absl::string_view message) {
  const std::string line = absl::StrCat(component, ": ", PrintableText(message));
  Logger().log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void LogToFiles(LogLevel level, absl::string_view component, absl::string_view message) {
  const std::string line = absl::StrCat(component, ": ", PrintableText(message));
  const spdlog::details::log_msg entry(Logger().name(), ToSpdlog(level),
                                       spdlog::string_view_t(line.data(), line.size()));
  const auto& sinks = Logger().sinks();
  // The first sink is the console.
  for (size_t i = 1; i < sinks.size(); ++i) {
    sinks[i]->log(entry);
    sinks[i]->flush();
  }
}

absl::Status AddLogFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "a");
  if (file == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open the log file ", path));
  }
  std::fclose(file);
  auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
  sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(kPattern, spdlog::pattern_time_type::utc));
  Logger().sinks().push_back(std::move(sink));
  return absl::OkStatus();
}

void SetLogLevel(LogLevel level) { Logger().sinks().front()->set_level(ToSpdlog(level)); }

}  // namespace plumb
