#include "tools/models/problem_groups.h"

#include <algorithm>
#include <unordered_map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace plumb::cli {
namespace {

bool IsNumber(absl::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
}

// The name with a mark in the place of each number between dots.
std::string WithoutNumbers(absl::string_view name) {
  std::vector<absl::string_view> parts = absl::StrSplit(name, '.');
  for (absl::string_view& part : parts) {
    if (IsNumber(part)) part = "#";
  }
  return absl::StrJoin(parts, ".");
}

}  // namespace

std::string ProblemGroup::Text() const {
  if (count == 1) return first;
  if (count == 2) return absl::StrCat(first, " (and 1 more like it: ", last_name, ")");
  return absl::StrCat(first, " (and ", count - 1, " more like it, the last ", last_name, ")");
}

std::vector<ProblemGroup> GroupProblems(absl::Span<const std::string> problems) {
  std::vector<ProblemGroup> groups;
  std::unordered_map<std::string, size_t> places;
  for (const std::string& problem : problems) {
    const size_t colon = std::min(problem.find(": "), problem.size());
    const std::string name = problem.substr(0, colon);
    const auto [place, is_new] = places.emplace(WithoutNumbers(name) + problem.substr(colon), groups.size());
    if (is_new) groups.push_back({.first = problem, .last_name = "", .count = 0});
    ProblemGroup& group = groups[place->second];
    group.last_name = name;
    ++group.count;
  }
  return groups;
}

}  // namespace plumb::cli
