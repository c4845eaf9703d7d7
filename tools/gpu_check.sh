#!/usr/bin/env bash
# Runs on a machine with a GPU what a machine without one skips: the CUDA tests, and the demo with `device: cuda`. Works from a
# build tree that was made elsewhere, if LibTorch lies in the same folder or PLUMB_LIBRARY_PATH names its libraries.
#
#   tools/gpu_check.sh BUILD_FOLDER [OUTPUT_FOLDER]
set -euo pipefail
build=$(cd "${1:?usage: tools/gpu_check.sh BUILD_FOLDER [OUTPUT_FOLDER]}" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=${2:-runs/gpu_check}
mkdir -p "$output"
if [ -n "${PLUMB_LIBRARY_PATH:-}" ]; then
  export LD_LIBRARY_PATH="$PLUMB_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv

failed=0
for binary in "$build"/bin/*_test; do
  "$binary" --gtest_list_tests --gtest_filter='*CudaTest*' | grep -q CudaTest || continue
  "$binary" --gtest_filter='*CudaTest*' --gtest_output="xml:$output/$(basename "$binary").xml" || failed=1
done

plumb=$build/plumb
example=examples/arithmetic
"$plumb" doctor
rm -rf "$output/init" "$output/sft" "$output/grpo"
"$plumb" init --preset tiny-demo --tokenizer "$example/tokenizer.json" --seed 0 --out "$output/init"
"$plumb" sft --config "$example/sft.yaml" --set "model=$output/init" --set "output=$output/sft" --set compute.device=cuda
"$plumb" grpo --config "$example/grpo.yaml" --set "model=$output/sft/checkpoints/latest" --set "output=$output/grpo" \
  --set compute.device=cuda --set rollout.compute.device=cuda
tail -n 1 "$output/grpo/metrics.jsonl"
exit "$failed"
