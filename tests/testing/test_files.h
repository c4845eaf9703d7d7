#ifndef PLUMB_TESTS_TESTING_TEST_FILES_H_
#define PLUMB_TESTS_TESTING_TEST_FILES_H_

#include <string>
#include <vector>

#include "base/json.h"

namespace plumb::testing {

// A path in the source tree: GoldenPath("models/v3_fp32") is tests/golden/models/v3_fp32.
std::string GoldenPath(const std::string& relative);
std::string SourcePath(const std::string& relative);

// Read a file that must be there; the test dies otherwise.
std::string MustRead(const std::string& path);
Json MustReadJson(const std::string& path);
std::vector<Json> MustReadJsonLines(const std::string& path);

// A new folder that is removed with the object.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The plumb program, from the environment variable PLUMB_PROGRAM or build/plumb.
std::string PlumbProgram();

struct CommandResult {
  int exit_code = -1;
  std::string output;  // stdout
  std::string errors;  // stderr
};
// Runs a program, kills it after `timeout_seconds` (exit_code -1).
CommandResult RunCommand(const std::vector<std::string>& arguments, int timeout_seconds = 120);

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_TESTING_TEST_FILES_H_
