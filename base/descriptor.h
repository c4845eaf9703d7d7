#ifndef PLUMB_BASE_DESCRIPTOR_H_
#define PLUMB_BASE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace plumb {

// Owns a file descriptor and closes it at the end of its scope; a negative one stands for none.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int value() const { return value_; }
  bool valid() const { return value_ >= 0; }
  // Closes now, for errors that only close() reports.
  int Close() { return ::close(std::exchange(value_, -1)); }

 private:
  int value_;
};

}  // namespace plumb

#endif  // PLUMB_BASE_DESCRIPTOR_H_
