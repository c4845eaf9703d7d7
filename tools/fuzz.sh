#!/usr/bin/env bash
# Builds the libFuzzer programs of tests/fuzz with clang 14, AddressSanitizer and UBSan, and runs them one after the other.
#
#   tools/fuzz.sh TARGET|all [MINUTES]   gives each target MINUTES (default 5) of its own CPU time
#   tools/fuzz.sh --merge TARGET|all     copies to tests/fuzz/corpus the inputs that reach code which those there do not
#
# TARGET: safetensors tokenizer chat_template model_config run_config yaml json. Inputs that reached new code are kept in
# build-fuzz/corpus/TARGET, so that a later run goes on from them. An input that breaks a target ends the run with exit
# status 1 and lies in build-fuzz/findings/TARGET.
set -euo pipefail
# shellcheck source=steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

targets=(safetensors tokenizer chat_template model_config run_config yaml json)
fuzz_build="$plumb_root/build-fuzz"
# One round; the CPU time used is looked at between rounds.
round_seconds=60
limits=(-max_len=4096 -timeout=25 -rss_limit_mb=2560 -malloc_limit_mb=1024)

build_fuzzers() {
  (cd "$plumb_root" && cmake --preset fuzz >&2) && ninja -C "$fuzz_build" -j "${JOBS:-$(build_jobs)}" fuzzers >&2
}

# run_round TARGET: one round of libFuzzer; its report goes to the log, the CPU seconds that it used to the log's .cpu file.
run_round() {
  local target=$1 TIMEFORMAT='%U %S'
  { time "$fuzz_build/bin/${target}_fuzz" "${limits[@]}" -max_total_time=$round_seconds -print_final_stats=1 \
      -dict="$plumb_root/tests/fuzz/dictionaries/$target.dict" -artifact_prefix="$fuzz_build/findings/$target/" \
      "$fuzz_build/corpus/$target" "$plumb_root/tests/fuzz/corpus/$target" >"$fuzz_build/$target.log" 2>&1
  } 2>"$fuzz_build/$target.cpu"
}

# fuzz_target TARGET MINUTES: rounds until the CPU time is used up. Prints one line with what came of it.
fuzz_target() {
  local target=$1 minutes=$2 used=0 runs=0 log="$fuzz_build/$1.log" coverage
  mkdir -p "$fuzz_build/corpus/$target" "$fuzz_build/findings/$target"
  while [ "$used" -lt $((minutes * 60)) ]; do
    if ! run_round "$target"; then
      tail -n 60 "$log" >&2
      fail "$target found something (the report stands above and in $log)" \
        "mend it and keep the input, which lies in $fuzz_build/findings/$target, in tests/fuzz/corpus/$target" 1
    fi
    runs=$((runs + $(sed -n 's/^stat::number_of_executed_units: *//p' "$log")))
    used=$(awk -v used="$used" '{ print int(used + $1 + $2) }' "$fuzz_build/$target.cpu")
  done
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  echo "$target: $((used / 60)) CPU minutes, $runs executions, $coverage edges, 0 findings"
}

merge_target() {
  local target=$1
  "$fuzz_build/bin/${target}_fuzz" "${limits[@]}" -use_counters=0 -merge=1 "$plumb_root/tests/fuzz/corpus/$target" \
    "$fuzz_build/corpus/$target" >"$fuzz_build/$target.merge.log" 2>&1
  echo "$target: $(find "$plumb_root/tests/fuzz/corpus/$target" -type f | wc -l) inputs in tests/fuzz/corpus/$target"
}

# chosen_targets NAME: the targets that NAME stands for.
chosen_targets() {
  if [ "$1" = all ]; then printf '%s\n' "${targets[@]}"; return 0; fi
  printf '%s\n' "${targets[@]}" | grep -xF -- "$1" || fail "unknown target '$1'" "choose all or one of: ${targets[*]}" 2
}

main() {
  local action=fuzz_target minutes chosen target
  if [ "${1:-}" = --merge ]; then action=merge_target; shift; fi
  if [ "$#" -lt 1 ]; then fail "no target" "tools/fuzz.sh TARGET|all [MINUTES]; targets: ${targets[*]}" 2; fi
  chosen=$(chosen_targets "$1")
  minutes=${2:-5}
  if ! [[ $minutes =~ ^[1-9][0-9]{0,4}$ ]]; then fail "MINUTES is '$minutes'" "give a whole number from 1" 2; fi
  "$(dirname "${BASH_SOURCE[0]}")/setup.sh" --fuzz
  step "Build the fuzz targets" "read the message above" build_fuzzers
  for target in $chosen; do "$action" "$target" "$minutes"; done
}
main "$@"
