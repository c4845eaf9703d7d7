#include "base/broken_download.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace plumb {
namespace {

// More space than a page has in front of its first tag.
constexpr size_t kBeginning = 256;

}  // namespace

std::string BrokenDownload(absl::string_view content, absl::string_view expected) {
  const absl::string_view beginning = absl::StripLeadingAsciiWhitespace(content.substr(0, kBeginning));
  if (absl::StartsWith(beginning, "version https://git-lfs")) return "is a Git LFS pointer; run `git lfs pull`";
  const bool page =
      absl::StartsWithIgnoreCase(beginning, "<!doctype html") || absl::StartsWithIgnoreCase(beginning, "<html");
  return page ? absl::StrCat("is an HTML page, not ", expected) : "";
}

}  // namespace plumb
