#!/usr/bin/env bash
# Formats the C++ sources in place; with --check, changes nothing and fails naming the files that differ.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
formatter=$(command -v clang-format-14 || true)
if [ -z "$formatter" ]; then
  echo "clang-format-14 was not found; tools/setup.sh --checks installs it" >&2
  exit 3
fi
mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.h' '*.cc' '*.cu')
if [ "${1:-}" = --check ]; then
  "$formatter" --dry-run --Werror "${files[@]}"
else
  "$formatter" -i "${files[@]}"
fi
