#!/usr/bin/env bash
# The main job from a bare machine: installs what is missing, builds, fine-tunes a small MLA/MoE policy (SFT), trains it with
# GRPO over a real rollout worker and a real reward service, and shows the accuracy on unseen prompts before and after.
#
#   tools/demo.sh              does what is left to do; finished stages are kept
#   tools/demo.sh --fresh      starts over
#   SEED=1 tools/demo.sh       another seed; its run folders are runs/demo-1/sft and runs/demo-1/grpo
set -euo pipefail
tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=steps.sh
source "$tools/steps.sh"

fresh=no
case "${1:-}" in
  "") ;;
  --fresh) fresh=yes ;;
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
  *) fail "Unknown option '$1'" "tools/demo.sh [--fresh]" 2 ;;
esac
seed="${SEED:-0}"
case "$seed" in *[!0-9]* | "") fail "SEED is '$seed'" "set it to a number such as 0" 2 ;; esac
runs="runs/demo"
if [ "$seed" != 0 ]; then runs="runs/demo-$seed"; fi
example="examples/arithmetic"
plumb="$plumb_build/plumb"

"$tools/setup.sh"
build_plumb plumb
cd "$plumb_root"
if [ "$fresh" = yes ]; then rm -rf "$runs"; fi
mkdir -p "$runs"
began=$SECONDS

make_policy() {
  "$plumb" init --preset tiny-demo --tokenizer "$example/tokenizer.json" --seed "$seed" --out "$runs/init"
}

# run_stage NAME ARGUMENT...: runs a training stage, or goes on with it where it was interrupted.
run_stage() {
  local name=$1 resume=()
  shift
  if [ -e "$runs/$name/checkpoints/latest" ]; then resume=(--resume); fi
  if [ -d "$runs/$name" ] && [ "${#resume[@]}" -eq 0 ]; then rm -rf "${runs:?}/$name"; fi
  "$plumb" "$name" --config "$example/$name.yaml" --set "seed=$seed" --set "output=$runs/$name" "$@" "${resume[@]}" &&
    touch "$runs/$name/done"
}

# evaluate NAME: greedy accuracy on the held-out prompts, kept in RUN/held_out.json with the completions beside it.
evaluate() {
  local folder="$runs/$1"
  "$plumb" eval --model "$folder/checkpoints/latest" --data "$example/held_out.jsonl" --no-chat-template \
    --prompt-template '{question}\n' --max-new-tokens 32 --output "$folder/held_out.jsonl" \
    >"$folder/held_out.json.new" &&
    mv "$folder/held_out.json.new" "$folder/held_out.json"
}

accuracy() { sed -n 's/.*"accuracy": *\([0-9.]*\).*/\1/p' "$runs/$1/held_out.json" | head -n 1; }
percent() { awk -v share="$1" 'BEGIN {printf "%.1f %%", 100 * share}'; }

if [ ! -f "$runs/init/config.json" ]; then
  step "Make a policy with random weights" "read the message above" make_policy
fi
if [ ! -f "$runs/sft/done" ]; then
  step "SFT on worked answers that forget the carry in six of ten sums" \
    "read the message above; run tools/demo.sh again to go on" run_stage sft --set "model=$runs/init"
fi
if [ ! -f "$runs/sft/held_out.json" ]; then
  step "Accuracy after SFT" "read the message above" evaluate sft
fi
if [ ! -f "$runs/grpo/done" ]; then
  step "GRPO on prompts without worked answers, with the math verifier as the reward" \
    "read the message above; run tools/demo.sh again to go on" run_stage grpo --set "model=$runs/sft/checkpoints/latest"
fi
if [ ! -f "$runs/grpo/held_out.json" ]; then
  step "Accuracy after GRPO" "read the message above" evaluate grpo
fi
step "Report" "read the message above" sh -c "'$plumb' report '$runs/sft' >/dev/null && '$plumb' report '$runs/grpo' >/dev/null"

# show NAME: three completions of the held-out prompts, as text on one line each.
show() {
  sed -n '1,3s/.*"question":"\([^"]*\)".*"greedy":\[{"text":"\([^"]*\)".*"correct":\([a-z]*\).*/\1\n      \2   [correct: \3]/p' \
    "$runs/$1/held_out.jsonl" | sed -e 's/\\n/ | /g' -e 's/^\([^ ]\)/    \1/'
}

echo
echo "Held-out greedy accuracy, 256 unseen prompts"
echo "  after SFT:  $(percent "$(accuracy sft)")"
echo "  after GRPO: $(percent "$(accuracy grpo)")"
echo
echo "Three completions after SFT"
show sft
echo "Three completions after GRPO"
show grpo
echo
echo "Report: $plumb_root/$runs/grpo/report.html"
echo "Took $((SECONDS - began)) s after the build"
