#ifndef PLUMB_TEXT_UNICODE_ADDITIONS_H_
#define PLUMB_TEXT_UNICODE_ADDITIONS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

// Characters that Hugging Face tokenizers 0.23 and the libraries of the supported systems know differently. Of general
// categories it knows version 16.0 of Unicode, and the libraries version 14 (PCRE2 10.42) or 15 (utf8proc 2.8): "added"
// characters came with 15.0 to 16.0. With a newer library these say the same twice.
namespace plumb {

// The added characters of a general category ("Lu") or of a group of them ("L"), as members of a PCRE2 class:
// "\x{1C89}\x{A7CB}-\x{A7CC}". Empty where there are none.
std::string AddedClassMembers(absl::string_view category);

// Whether the code point is an added one of the categories Nd, Nl or No; those of Unicode 17 too.
bool IsAddedNumeric(int32_t code_point);

// Whether the normal forms of Hugging Face tokenizers 0.23, which are those of Unicode 9.0, do not know the character,
// although it decomposes, composes or combines in Unicode 18.0: they leave it as it is, and nothing moves past it.
bool IsUnknownToNormalForms(int32_t code_point);

}  // namespace plumb

#endif  // PLUMB_TEXT_UNICODE_ADDITIONS_H_
