# Functions that declare Plumb's targets. One folder is one target; its DEPS are the folder's row in the table of
# ARCHITECTURE.md, and tools/check_tree.py compares the two.

set(PLUMB_WARNINGS -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare)
set(PLUMB_CLANG_WARNINGS -Wthread-safety -Wno-unused-command-line-argument)

# Sets what every C++ target of the project has.
function(plumb_common_options target)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${PLUMB_WARNINGS}>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:Clang>>:${PLUMB_CLANG_WARNINGS}>)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
endfunction()

# plumb_library(NAME [TORCH] SOURCES file... [DEPS target...] [PRIVATE_DEPS target...])
# Makes the static library plumb_NAME with the alias plumb::NAME. TORCH: its sources include LibTorch headers.
function(plumb_library name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(plumb_${name} STATIC ${arg_SOURCES})
  add_library(plumb::${name} ALIAS plumb_${name})
  plumb_common_options(plumb_${name})
  target_link_libraries(plumb_${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
  if(arg_TORCH)
    target_link_libraries(plumb_${name} PUBLIC LibTorch::torch)
    target_precompile_headers(plumb_${name} REUSE_FROM plumb_pch_torch)
  else()
    target_precompile_headers(plumb_${name} REUSE_FROM plumb_pch_base)
  endif()
endfunction()

# plumb_test(FOLDER [TORCH] SOURCES file... DEPS target... [ENVIRONMENT NAME=VALUE...])
# One test binary per folder. CTest gets one entry per kind that the folder has; a test's kind is the end of its suite's
# name: GoldenTest, PropertyTest, ConformanceTest, IntegrationTest, FaultTest, FuzzTest, CudaTest; any other name is a unit test.
function(plumb_test folder)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;DEPS;ENVIRONMENT" ${ARGN})
  string(REPLACE "/" "_" target "${folder}_test")
  add_executable(${target} ${arg_SOURCES})
  plumb_common_options(${target})
  target_link_libraries(${target} PRIVATE ${arg_DEPS} plumb::testing GTest::gmock GTest::gtest GTest::gtest_main)
  if(arg_TORCH)
    target_link_libraries(${target} PRIVATE LibTorch::torch)
    target_precompile_headers(${target} REUSE_FROM plumb_pch_torch)
  else()
    target_precompile_headers(${target} REUSE_FROM plumb_pch_base)
  endif()

  # The kinds are read out of the sources: configure again when one of them changes, or a new kind would never run.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${arg_SOURCES})
  set(kinds Golden Property Conformance Integration Fault Fuzz Cuda)
  set(unit_filter "*")
  set(separator "-")
  foreach(kind ${kinds})
    string(APPEND unit_filter "${separator}*${kind}Test.*:*${kind}Test/*")
    set(separator ":")
  endforeach()
  plumb_add_test_kind(${folder} ${target} unit "${unit_filter}" "${arg_ENVIRONMENT}")
  foreach(kind ${kinds})
    set(found FALSE)
    foreach(source ${arg_SOURCES})
      file(STRINGS ${source} hits REGEX "TEST(_F|_P)?\\([A-Za-z0-9]*${kind}Test,")
      if(hits)
        set(found TRUE)
      endif()
    endforeach()
    if(found)
      string(TOLOWER ${kind} label)
      plumb_add_test_kind(${folder} ${target} ${label} "*${kind}Test.*:*${kind}Test/*" "${arg_ENVIRONMENT}")
    endif()
  endforeach()
endfunction()

function(plumb_add_test_kind folder target kind filter environment)
  string(REPLACE "/" "_" name ${folder})
  add_test(NAME ${name}.${kind} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    COMMAND ${target} --gtest_filter=${filter}
      --gtest_output=xml:${PROJECT_BINARY_DIR}/test-results/${name}.${kind}.xml)
  set_tests_properties(${name}.${kind} PROPERTIES LABELS "${folder};${kind}" TIMEOUT 900
    ENVIRONMENT "OMP_WAIT_POLICY=PASSIVE;${environment}")
endfunction()
