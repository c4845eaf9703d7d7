#!/usr/bin/env bash
# Measures Plumb against transformers, TRL and llama.cpp on this machine: both sides in turn, on the same weights and ids.
#
#   tools/bench/compare.sh                           # everything, half an hour on 2 cores
#   tools/bench/compare.sh decode prefill            # some of: kernels decode prefill large sft grpo logits
#   tools/bench/compare.sh --isa avx2 --rounds 9 sft
#
# The peers get a Python environment of their own in ${XDG_CACHE_HOME:-~/.cache}/plumb/peers, with the versions of
# tools/bench/peers/requirements.txt: about 5 GB, and a dozen minutes to build llama.cpp. PEERS_PYTHON=FILE takes a Python
# that has them. The models are written with `plumb init`, 2.3 GB with the large one. build/plumb must be there.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/plumb/peers"
requirements="$root/tools/bench/peers/requirements.txt"

say() { echo "compare: $*" >&2; }

# python_of_peers: prints the Python that has the peers; makes the environment where it is not there or is out of date.
python_of_peers() {
  if [ -n "${PEERS_PYTHON:-}" ]; then echo "$PEERS_PYTHON"; return; fi
  if ! cmp --silent "$requirements" "$cache/installed.txt"; then
    say "installing the peers into $cache (about 5 GB; llama.cpp is built from source)"
    python3 -m venv "$cache/venv" >&2
    "$cache/venv/bin/python" -m pip --disable-pip-version-check install --quiet -r "$requirements" >&2
    cp "$requirements" "$cache/installed.txt"
  fi
  echo "$cache/venv/bin/python"
}

python=$(python_of_peers)
exec "$python" "$root/tools/bench/peers/compare.py" --plumb "$root/build/plumb" --work "$cache/work" "$@"
