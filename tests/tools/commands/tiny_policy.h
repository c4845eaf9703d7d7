#ifndef PLUMB_TESTS_TOOLS_COMMANDS_TINY_POLICY_H_
#define PLUMB_TESTS_TOOLS_COMMANDS_TINY_POLICY_H_

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/child_process.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/testing/test_files.h"

// What the tests of commands share: the program, and a small policy with random weights.
namespace plumb::cli {

// Runs `plumb` with the words.
inline plumb::testing::CommandResult Plumb(std::vector<std::string> words) {
  words.insert(words.begin(), plumb::testing::PlumbProgram());
  return plumb::testing::RunCommand(words, /*timeout_seconds=*/60);
}

// A policy folder that `plumb init` wrote, once per test binary; no path where that failed.
inline const std::string& TinyPolicy() {
  static const plumb::testing::TestFolder* const folder = new plumb::testing::TestFolder();
  static const std::string* const path = [] {
    const std::string out = folder->File("policy");
    const plumb::testing::CommandResult result =
        Plumb({"init", "--preset", "tiny-demo", "--tokenizer",
               plumb::testing::SourcePath("examples/arithmetic/tokenizer.json"), "--out", out});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    return new std::string(out);
  }();
  return *path;
}

inline std::string WriteTemporary(const plumb::testing::TestFolder& folder, const std::string& name,
                                  const std::string& text) {
  EXPECT_TRUE(WriteFileAtomic(folder.File(name), text).ok());
  return folder.File(name);
}

// A copy of TinyPolicy() whose last weight, of the last norm, is no number.
inline std::string BrokenPolicy(const plumb::testing::TestFolder& folder) {
  EXPECT_TRUE(MakeFolder(folder.File("broken")).ok());
  for (const std::string name : {"config.json", "model.safetensors", "tokenizer.json"}) {
    std::string text = plumb::testing::MustRead(TinyPolicy() + "/" + name);
    if (name == "model.safetensors") text.replace(text.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));
    WriteTemporary(folder, "broken/" + name, text);
  }
  return folder.File("broken");
}

// A service of the program that runs until it is destroyed.
struct RunningService {
  std::unique_ptr<ChildProcess> process;
  Json ready;  // its line on stdout
};

inline RunningService StartService(std::vector<std::string> words) {
  words.insert(words.begin(), plumb::testing::PlumbProgram());
  RunningService service;
  absl::StatusOr<std::unique_ptr<ChildProcess>> process = ChildProcess::Start("service", words, "");
  EXPECT_TRUE(process.ok()) << process.status();
  if (!process.ok()) return service;
  service.process = *std::move(process);
  const absl::StatusOr<std::string> line = service.process->ReadLine(absl::Now() + absl::Seconds(30));
  EXPECT_TRUE(line.ok()) << line.status();
  if (line.ok()) service.ready = ParseJson(*line, "ready line").value_or(Json());
  return service;
}

inline std::string Address(const RunningService& service, const std::string& key = "address") {
  return service.ready.is_object() && service.ready.contains(key) ? service.ready[key].get<std::string>() : "";
}

}  // namespace plumb::cli

#endif  // PLUMB_TESTS_TOOLS_COMMANDS_TINY_POLICY_H_
