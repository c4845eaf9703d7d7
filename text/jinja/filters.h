#ifndef PLUMB_TEXT_JINJA_FILTERS_H_
#define PLUMB_TEXT_JINJA_FILTERS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace plumb::jinja {

// A filter of Jinja, such as `trim` in `x | trim`. Errors: kInvalidArgument; kResourceExhausted.
using Filter = absl::StatusOr<Value> (*)(const Value& value, const Arguments& arguments);

// Null where there is none of this name.
Filter FindFilter(absl::string_view name);

// Filters of lists (map, select, sort, join, ...); FindFilter looks here too.
Filter FindListFilter(absl::string_view name);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_FILTERS_H_
