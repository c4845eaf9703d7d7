#!/usr/bin/env bash
# Measures Plumb against transformers, TRL and llama.cpp on this machine: both sides in turn, on the same weights and ids.
#
#   tools/bench/compare.sh                           # everything, half an hour on 2 cores
#   tools/bench/compare.sh decode prefill            # some of: kernels decode prefill large sft grpo logits
#   tools/bench/compare.sh --isa avx2 --rounds 9 sft
#
# The peers get a Python environment of their own in ${XDG_CACHE_HOME:-~/.cache}/plumb/peers, with the versions of
# tools/bench/peers/requirements.txt: about 5 GB, and a dozen minutes to build llama.cpp. PEERS_PYTHON=FILE takes a Python
# that has them. The models are written with `plumb init`, 2.3 GB with the large one. build/plumb must be there. A section
# where a side fails is left out of the table, and the exit status is 1.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
exec python3 "$root/tools/bench/peers/compare.py" --plumb "$root/build/plumb" \
  --cache "${XDG_CACHE_HOME:-$HOME/.cache}/plumb/peers" "$@"
