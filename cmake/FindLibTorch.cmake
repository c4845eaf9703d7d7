# Finds LibTorch in a folder that holds `torch/lib` and `torch/include` (an unpacked PyPI wheel, or a Python
# environment's site-packages) and defines the imported target `LibTorch::torch`.
#
#   PLUMB_TORCH_ROOT   the folder; default: the cache folder that tools/setup.sh fills
#   PLUMB_LINK_CUDA    link the CUDA half too
#
# Two facts decide how it is done. The wheel carries old copies of google/protobuf and fmt headers, so its include
# folders come after the system's (-idirafter). And find_package(Torch) fails with CMake 3.25, C++20 and CUDA 13.
if(NOT PLUMB_TORCH_ROOT)
  if(DEFINED ENV{PLUMB_TORCH_ROOT})
    set(_torch_root $ENV{PLUMB_TORCH_ROOT})
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(_torch_root $ENV{XDG_CACHE_HOME}/plumb/libtorch)
  else()
    set(_torch_root $ENV{HOME}/.cache/plumb/libtorch)
  endif()
  set(PLUMB_TORCH_ROOT ${_torch_root} CACHE PATH "Folder with torch/lib and torch/include" FORCE)
endif()

set(_torch ${PLUMB_TORCH_ROOT}/torch)
if(NOT EXISTS ${_torch}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch not found: ${_torch}/lib/libtorch_cpu.so does not exist. "
    "Run tools/setup.sh, or pass -DPLUMB_TORCH_ROOT=FOLDER (one that holds torch/lib and torch/include).")
endif()

file(STRINGS ${_torch}/include/torch/headeronly/version.h _version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX MATCHALL "[0-9]+" _version_numbers "${_version_lines}")
list(JOIN _version_numbers "." LibTorch_VERSION)
if(LibTorch_VERSION VERSION_LESS 2.7)
  message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} in ${_torch} is too old: 2.7 or newer is needed "
    "(older wheels use another C++ ABI).")
endif()

# Libraries of the nvidia-* wheels, which lie beside torch: nvidia/<package>/lib or nvidia/cu13/lib.
file(GLOB _nvidia_folders ${PLUMB_TORCH_ROOT}/nvidia/*/lib)
find_library(LIBTORCH_CUDART NAMES libcudart.so.13 libcudart.so.12 cudart
  HINTS ${_nvidia_folders} /usr/local/cuda/lib64 /usr/local/cuda/lib NO_CMAKE_FIND_ROOT_PATH)
find_library(LIBTORCH_CUPTI NAMES libcupti.so.13 libcupti.so.12 cupti
  HINTS ${_nvidia_folders} /usr/local/cuda/extras/CUPTI/lib64 /usr/local/cuda/lib64 /usr/local/cuda/lib)

add_library(LibTorch::torch INTERFACE IMPORTED)
target_compile_options(LibTorch::torch INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-idirafter${_torch}/include>
  $<$<COMPILE_LANGUAGE:CXX>:-idirafter${_torch}/include/torch/csrc/api/include>)
target_compile_definitions(LibTorch::torch INTERFACE USE_C10D_GLOO USE_DISTRIBUTED)
set(_link_libraries ${_torch}/lib/libtorch_cpu.so ${_torch}/lib/libc10.so)
if(LIBTORCH_CUPTI)
  list(APPEND _link_libraries ${LIBTORCH_CUPTI})
endif()
if(LIBTORCH_CUDART)
  list(APPEND _link_libraries ${LIBTORCH_CUDART})
endif()
if(PLUMB_LINK_CUDA)
  # Nothing refers to libtorch_cuda by symbol; it registers itself when it is loaded.
  list(APPEND _link_libraries -Wl,--no-as-needed ${_torch}/lib/libtorch_cuda.so ${_torch}/lib/libc10_cuda.so
    -Wl,--as-needed)
endif()
target_link_libraries(LibTorch::torch INTERFACE ${_link_libraries})

set(LibTorch_LIBRARY_FOLDERS ${_torch}/lib ${_nvidia_folders})
foreach(_folder ${LibTorch_LIBRARY_FOLDERS})
  target_link_options(LibTorch::torch INTERFACE -Wl,-rpath-link,${_folder})
endforeach()
message(STATUS "LibTorch ${LibTorch_VERSION}: ${_torch}")

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS _torch VERSION_VAR LibTorch_VERSION)
