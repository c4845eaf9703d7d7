# Shell functions of setup.sh, test.sh and demo.sh. Sourced, never run.
# shellcheck shell=bash disable=SC2034

plumb_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
plumb_cache="${XDG_CACHE_HOME:-$HOME/.cache}/plumb"
plumb_build="$plumb_root/build"

# say TEXT: one line about what goes on, on stderr like all progress.
say() { printf '%s\n' "[plumb] $*" >&2; }

# fail WHAT HINT: says what failed and what to do about it, then ends the script.
fail() {
  say "FAILED: $1"
  say "What to do: $2"
  exit "${3:-1}"
}

# step TITLE HINT COMMAND...: runs a command, prints its title before and its time after. HINT says what to do when it
# fails.
step() {
  local title=$1 hint=$2 began=$SECONDS
  shift 2
  say "$title ..."
  if ! "$@"; then fail "$title (after $((SECONDS - began)) s)" "$hint"; fi
  say "$title: done in $((SECONDS - began)) s"
}

# need_space FOLDER MEGABYTES WHAT: checks the free disk space where FOLDER is, or will be made.
need_space() {
  local folder=$1 wanted=$2 what=$3 free
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  free=$(df -Pm "$folder" | awk 'NR == 2 {print $4}')
  if [ "$free" -lt "$wanted" ]; then
    fail "$what needs $wanted MB in $folder, which has $free MB free" \
      "free some space there${4:+, or $4}" 3
  fi
}

# build_jobs: how many compilers fit. One takes up to 2 GB of memory.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 2000000)}' /proc/meminfo)
  if [ "$memory" -lt 1 ]; then memory=1; fi
  if [ "$cores" -lt "$memory" ]; then echo "$cores"; else echo "$memory"; fi
}

configure_plumb() { (cd "$plumb_root" && cmake --preset release -DPLUMB_CUDA="${PLUMB_CUDA:-AUTO}" >&2); }
compile_plumb() { ninja -C "$plumb_build" -j "${JOBS:-$(build_jobs)}" "$@" >&2; }

# build_plumb TARGET...: configures build/ and builds the targets ("all" for everything).
build_plumb() {
  if [ ! -d "$plumb_build" ]; then need_space "$plumb_root" 4000 "The build tree build/"; fi
  step "Configure build/" "read the CMake message above; a library that is missing is installed by tools/setup.sh" \
    configure_plumb
  step "Build $* with ${JOBS:-$(build_jobs)} jobs" \
    "read the compiler's message above; if a compiler was killed, memory is short: set JOBS=1" compile_plumb "$@"
}
