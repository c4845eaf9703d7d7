#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The last line counts them: "N passed, N failed", and
# ", N skipped" where some were. Exit status 0 only when all passed.
#
#   tools/test.sh               all tests
#   tools/test.sh -L reward     arguments go to ctest: -L FOLDER or KIND, -R NAME
set -euo pipefail
tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=steps.sh
source "$tools/steps.sh"

case "${1:-}" in
  -h | --help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
esac

"$tools/setup.sh"
build_plumb all

results="$plumb_build/test-results"
rm -rf "$results"
mkdir -p "$results"
say "Run the tests ..."
began=$SECONDS
# ctest's own verdict is not enough: the count below also finds a binary that died before it could report.
ctest --test-dir "$plumb_build" --parallel "${TEST_JOBS:-2}" --output-on-failure --no-tests=error \
  --output-junit "$results/ctest.junit" "$@" >&2 || true
say "Run the tests: done in $((SECONDS - began)) s"
python3 "$tools/count_tests.py" "$results"
