#include <ATen/Version.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "tools/commands/commands.h"
#include "tools/commands/library_versions.h"
#include "tools/machine_memory.h"

namespace plumb::cli {
namespace {

constexpr double kGibibyte = 1024.0 * 1024.0 * 1024.0;

std::string Gibibytes(double bytes) { return absl::StrFormat("%.1f GiB", bytes / kGibibyte); }

std::string DiskText(const std::string& folder) {
  struct statvfs status = {};
  if (statvfs(folder.c_str(), &status) != 0) return "unknown";
  const double free_bytes = static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize);
  return absl::StrCat(Gibibytes(free_bytes), " free in ", folder);
}

std::string CudaText() {
  if (!at::hasCUDA()) return "not linked or no driver (device: cuda is not available)";
  const size_t devices = at::getNumGPUs();
  return devices == 0 ? "linked, but no device found" : absl::StrCat(devices, " device", devices == 1 ? "" : "s");
}

std::string PortText() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool works = listener >= 0 && bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     listen(listener, 1) == 0 &&
                     getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const std::string text = works ? absl::StrCat("loopback works (port ", ntohs(address.sin_port), " was free)")
                                 : absl::StrCat("cannot listen on loopback: ", std::strerror(errno));
  if (listener >= 0) close(listener);
  return text;
}

std::string CacheText() {
  const char* cache_home = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::string cache = cache_home != nullptr ? cache_home : "";
  if (cache.empty() && home != nullptr) cache = JoinPath(home, ".cache");
  if (cache.empty()) return "unknown: neither XDG_CACHE_HOME nor HOME is set";
  cache = JoinPath(cache, "plumb");
  return FolderExists(cache) ? cache : absl::StrCat(cache, " (does not exist; tools/setup.sh makes it)");
}

class Doctor : public Command {
 public:
  void Declare(OptionSet& options) override { options.Flag("--json", json_, "Print one JSON object."); }

  absl::Status Run() override {
    Json report;
    report["cores"] = std::thread::hardware_concurrency();
    report["instruction_set"] = at::get_cpu_capability();
    report["memory"] = absl::StrCat(Gibibytes(AvailableMemoryBytes()), " free of ", Gibibytes(TotalMemoryBytes()));
    report["disk"] = DiskText(".");
    report["cuda"] = CudaText();
    report["ports"] = PortText();
    report["cache_folder"] = CacheText();
    for (const auto& [name, version] : LibraryVersions()) report[name] = version;
    if (json_) {
      std::cout << DumpJson(report) << "\n";
      return absl::OkStatus();
    }
    for (const auto& [name, value] : report.items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : DumpJson(value);
      std::cout << absl::StrFormat("%-16s %s\n", name, text);
    }
    return absl::OkStatus();
  }

 private:
  bool json_ = false;
};

}  // namespace

CommandEntry DoctorCommand() {
  return {.name = "doctor", .summary = "Show what this machine offers.", .example = "plumb doctor", .make = [] {
            return std::make_unique<Doctor>();
          }};
}

}  // namespace plumb::cli
