#!/usr/bin/env bash
# Installs what building Plumb needs on Debian 12 or Ubuntu 24.04: distribution packages, and LibTorch into the cache
# folder ${XDG_CACHE_HOME:-~/.cache}/plumb. Run it again at any time: it does only what is left to do.
#
#   tools/setup.sh            what building, testing and the demo need
#   tools/setup.sh --checks   also what .ci/run needs: clang and clang-format
#   tools/setup.sh --fuzz     also what tools/fuzz.sh needs: clang 14 with libFuzzer
#
# Environment: PLUMB_CUDA=AUTO|ON|OFF  which LibTorch libraries to fetch (AUTO: CUDA where nvcc and a driver are found)
#              PLUMB_TORCH_ROOT=FOLDER take this LibTorch instead of fetching one
set -euo pipefail
# shellcheck source=steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

build_packages=(
  ca-certificates git unzip pkg-config cmake ninja-build g++ ccache mold python3 python3-pip
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libabsl-dev libcli11-dev libyaml-cpp-dev
  nlohmann-json3-dev libspdlog-dev libpcre2-dev libre2-dev libutf8proc-dev libssl-dev
  libgtest-dev libgmock-dev python3-grpcio python3-protobuf
)
check_packages=(clang clang-format-14)
fuzz_packages=(clang-14 libclang-rt-14-dev)

# LibTorch's wheels. torch's own CUDA libraries are fetched only where they are linked.
cpu_wheels=(torch==2.11.0 nvidia-cuda-cupti==13.0.85 nvidia-cuda-runtime==13.0.96)
cuda_wheels=(
  nvidia-cublas==13.1.0.3 nvidia-cuda-nvrtc==13.0.88 nvidia-cufft==12.0.0.61 nvidia-cufile==1.15.1.6
  nvidia-curand==10.4.0.35 nvidia-cusolver==12.0.4.66 nvidia-cusparse==12.6.3.3 nvidia-nvjitlink==13.0.88
  nvidia-nvtx==13.0.85 nvidia-cudnn-cu13==9.19.0.56 nvidia-cusparselt-cu13==0.8.0 nvidia-nccl-cu13==2.28.9
  nvidia-nvshmem-cu13==3.4.5
)
# A CPU build neither links nor loads these; they are half of the wheel.
cuda_only_files=('torch/lib/libtorch_cuda*.so' 'torch/lib/libtorch_nvshmem.so' 'torch/lib/libtorch_python.so')

check_platform() {
  if [ "$(uname -m)" != x86_64 ]; then
    fail "This machine is $(uname -m); LibTorch is fetched for x86_64" "use an x86_64 machine" 3
  fi
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "apt-get was not found" "use Debian 12 or Ubuntu 24.04, or install by hand: ${build_packages[*]}" 3
  fi
}

missing_packages() {
  local package
  for package in "$@"; do
    if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then echo "$package"; fi
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo --preserve-env=http_proxy,https_proxy,no_proxy "$@"; fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >&2
}
apt_update() { as_root apt-get update -q -o Acquire::Retries=3 >&2; }

install_packages() {
  local packages=("$@") list="$*"
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    fail "These packages are missing, and neither root nor sudo is at hand: $list" \
      "run as root: apt-get update && apt-get install -y --no-install-recommends $list" 3
  fi
  # The lists of packages may be old or absent: try with those there are, then with new ones.
  if apt-cache show "${packages[@]}" >/dev/null 2>&1 && apt_install "${packages[@]}"; then return 0; fi
  say "Reading the package mirror's lists anew"
  apt_update && apt_install "${packages[@]}"
}

wants_cuda() {
  case "${PLUMB_CUDA:-AUTO}" in
    ON) return 0 ;;
    OFF) return 1 ;;
    AUTO) { command -v nvcc || [ -x /usr/local/cuda/bin/nvcc ]; } >/dev/null && driver_found ;;
    *) fail "PLUMB_CUDA is '$PLUMB_CUDA'" "set it to AUTO, ON or OFF" 2 ;;
  esac
}

driver_found() {
  ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1' || [ -e /usr/local/nvidia/lib64/libcuda.so.1 ]
}

# python_with_pip: the first Python that has pip; python3-pip gives /usr/bin/python3 one.
python_with_pip() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then echo "$python"; return 0; fi
  done
  return 1
}

download_wheels() {
  local folder=$1 python platforms=() minor
  shift
  python=$(python_with_pip) || { say "no Python with pip"; return 1; }
  for minor in $(seq 17 28); do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
  # The wheel's Python version does not matter: only C++ libraries and headers are taken from it.
  "$python" -m pip --disable-pip-version-check download --no-deps --only-binary=:all: --no-cache-dir \
    --python-version 3.12 --implementation cp --abi cp312 --abi none "${platforms[@]}" --platform manylinux2014_x86_64 \
    --dest "$folder" "$@" >&2
}

unpack_wheels() {
  local wheels=$1 target=$2 cuda=$3 wheel skip=()
  if [ "$cuda" = no ]; then skip=(-x "${cuda_only_files[@]}"); fi
  for wheel in "$wheels"/*.whl; do
    case "${wheel##*/}" in
      torch-*) unzip -q -o "$wheel" 'torch/lib/*' 'torch/include/*' "${skip[@]}" -d "$target" || return 1 ;;
      *) unzip -q -o "$wheel" 'nvidia/*' -d "$target" || return 1 ;;
    esac
    rm "$wheel"
  done
}

# Fetches into a temporary folder, then renames: the cache holds a whole LibTorch or none.
fetch_libtorch() {
  local cuda=$1 fresh old
  shift
  fresh=$(mktemp -d "$plumb_cache/libtorch.new.XXXXXX")
  old="$plumb_cache/libtorch.old.$$"
  # shellcheck disable=SC2064
  trap "rm -rf '$fresh' '$old'" EXIT
  step "Download $*" \
    "check the network and pip's index settings (pip config list); a proxy is given by https_proxy" \
    download_wheels "$fresh/wheels" "$@"
  step "Unpack LibTorch into $plumb_cache/libtorch" "check the free space of $plumb_cache" \
    unpack_wheels "$fresh/wheels" "$fresh" "$cuda"
  rm -rf "$fresh/wheels"
  versions_text "$cuda" >"$fresh/versions.txt"
  chmod 755 "$fresh"
  if [ -e "$plumb_cache/libtorch" ]; then mv "$plumb_cache/libtorch" "$old"; fi
  mv "$fresh" "$plumb_cache/libtorch"
  rm -rf "$old"
  trap - EXIT
}

versions_text() {
  printf '%s\n' "${cpu_wheels[@]}"
  if [ "$1" = yes ]; then printf '%s\n' "${cuda_wheels[@]}"; fi
  echo "cuda: $1"
}

# libtorch_is_there CUDA: the cache holds these versions; one with CUDA serves a CPU build too.
libtorch_is_there() {
  local marker="$plumb_cache/libtorch/versions.txt"
  if [ ! -e "$marker" ]; then return 1; fi
  [ "$(cat "$marker")" = "$(versions_text yes)" ] || [ "$(cat "$marker")" = "$(versions_text "$1")" ]
}

setup_libtorch() {
  local wheels=("${cpu_wheels[@]}") cuda=no megabytes=2500
  if [ -n "${PLUMB_TORCH_ROOT:-}" ]; then
    if [ ! -e "$PLUMB_TORCH_ROOT/torch/lib/libtorch_cpu.so" ]; then
      fail "PLUMB_TORCH_ROOT=$PLUMB_TORCH_ROOT has no torch/lib/libtorch_cpu.so" \
        "name a folder that holds torch/lib and torch/include, or unset it" 2
    fi
    return 0
  fi
  if wants_cuda; then
    cuda=yes
    megabytes=9000
    wheels+=("${cuda_wheels[@]}")
  fi
  if libtorch_is_there "$cuda"; then return 0; fi
  mkdir -p "$plumb_cache"
  need_space "$plumb_cache" "$megabytes" "LibTorch" "set XDG_CACHE_HOME to a folder on another disk"
  exec 8>"$plumb_cache/setup.lock"
  flock -w 1800 8 || fail "another setup holds $plumb_cache/setup.lock for 30 minutes" "wait for it or stop it"
  if libtorch_is_there "$cuda"; then return 0; fi
  fetch_libtorch "$cuda" "${wheels[@]}"
}

main() {
  local packages=("${build_packages[@]}") missing
  case "${1:-}" in
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    --checks) packages+=("${check_packages[@]}") ;;
    --fuzz) packages+=("${fuzz_packages[@]}") ;;
    '') ;;
    *) fail "unknown option $1" "tools/setup.sh [--checks|--fuzz]" 2 ;;
  esac
  check_platform
  mapfile -t missing < <(missing_packages "${packages[@]}")
  if [ "${#missing[@]}" -gt 0 ]; then
    step "Install ${#missing[@]} packages: ${missing[*]}" \
      "check the package mirrors (/etc/apt/sources.list*) and the network, then run this again" \
      install_packages "${missing[@]}"
  fi
  setup_libtorch
  say "Setup is complete (LibTorch: ${PLUMB_TORCH_ROOT:-$plumb_cache/libtorch})"
}
main "$@"
