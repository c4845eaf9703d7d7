#!/usr/bin/env bash
# Clang's thread-safety analysis over every source that includes base/mutex.h, itself or through other headers. Needs a
# configured and built build/ (for generated headers) and clang.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
compiler=$(command -v clang++-14 || command -v clang++ || true)
if [ -z "$compiler" ]; then
  echo "clang++ was not found; tools/setup.sh --checks installs it" >&2
  exit 3
fi
if [ ! -f build/CMakeCache.txt ]; then
  echo "build/ is not configured; run tools/test.sh first" >&2
  exit 3
fi
torch=$(sed -n 's/^PLUMB_TORCH_ROOT:PATH=//p' build/CMakeCache.txt)
flags=('-DPLUMB_VERSION="lock check"' -std=c++20 -fsyntax-only -Wthread-safety -Werror=thread-safety -I. -Ibuild/generated
  -idirafter "$torch/torch/include" -idirafter "$torch/torch/include/torch/csrc/api/include")

# The pass itself must be able to fail.
if echo '#include "base/mutex.h"
struct Counter { plumb::Mutex mutex; int count GUARDED_BY(mutex) = 0; void Add() { ++count; } };' |
  "$compiler" "${flags[@]}" -x c++ - 2>/dev/null; then
  echo "clang accepted a member that is used without its lock: the check would check nothing" >&2
  exit 1
fi

mapfile -t sources < <(python3 tools/check_tree.py --sources-including base/mutex.h | grep -v '^tests/')
if [ "${#sources[@]}" -eq 0 ]; then
  echo "no source uses base/mutex.h: the check would check nothing" >&2
  exit 1
fi
if ! printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" "$compiler" "${flags[@]}"; then
  echo "lock annotations: see the messages above" >&2
  exit 1
fi
echo "lock annotations of ${#sources[@]} sources hold"
