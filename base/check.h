#ifndef PLUMB_BASE_CHECK_H_
#define PLUMB_BASE_CHECK_H_

#include <sstream>
#include <string>

// Checks of Plumb's own invariants: a failure is a bug of ours, never a user's mistake. Prints file, line, condition
// and what was streamed, then aborts. LibTorch's headers define CHECK too, hence the prefix.
//
//   PLUMB_CHECK(free_pages >= 0) << "free_pages is " << free_pages;

namespace plumb::internal {

class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Gives the streaming form of the macro the type void.
struct Voidify {
  void operator&(std::ostream&) const {}
};

}  // namespace plumb::internal

#define PLUMB_CHECK(condition) \
  (condition)                  \
      ? (void)0                \
      : ::plumb::internal::Voidify() & ::plumb::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

#endif  // PLUMB_BASE_CHECK_H_
