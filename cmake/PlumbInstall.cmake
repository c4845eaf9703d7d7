# `cmake --install build --prefix FOLDER`: the program, its libraries, the examples and the documents. The installed tree
# runs from any folder. A CPU build takes LibTorch's libraries along, to lib/plumb; a CUDA build refers to the folder that
# it was built with, since its libraries are several GB and find each other by their places there.
if(PLUMB_LINK_CUDA)
  set_target_properties(plumb PROPERTIES INSTALL_RPATH "${LibTorch_LIBRARY_FOLDERS}")
else()
  set_target_properties(plumb PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/plumb")
  set(_bundled ${PLUMB_TORCH_ROOT}/torch/lib/libtorch_cpu.so ${PLUMB_TORCH_ROOT}/torch/lib/libc10.so)
  file(GLOB _openmp ${PLUMB_TORCH_ROOT}/torch/lib/libgomp*.so*)
  foreach(_library ${_bundled} ${_openmp} ${LIBTORCH_CUDART} ${LIBTORCH_CUPTI})
    get_filename_component(_name ${_library} NAME)
    get_filename_component(_file ${_library} REALPATH)
    install(FILES ${_file} DESTINATION lib/plumb RENAME ${_name})
  endforeach()
endif()
install(TARGETS plumb RUNTIME DESTINATION bin)
install(DIRECTORY examples DESTINATION share/plumb PATTERN "__pycache__" EXCLUDE)
install(DIRECTORY docs/ DESTINATION share/doc/plumb)
install(FILES README.md LICENSE DESTINATION share/doc/plumb)
