# One static library a module, each file compiled once.

add_library(quadhop_options INTERFACE)
target_include_directories(quadhop_options INTERFACE ${PROJECT_SOURCE_DIR})
# No fused multiply-adds but those written: digits must not depend on what the compiler sees fit.
set(cxx_options -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Werror -ffp-contract=off)
if(QH_NATIVE)
  list(APPEND cxx_options -march=native)
endif()
# Device code calls the constexpr functions of core/base/rng.h and others that host and device share.
set(cuda_options --expt-relaxed-constexpr -Werror=all-warnings -Xcompiler=-Wall,-Wextra -lineinfo)
target_compile_options(quadhop_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${cxx_options}>"
                                                 "$<$<COMPILE_LANGUAGE:CUDA>:${cuda_options}>")
if(QH_SANITIZE)
  target_compile_options(quadhop_options INTERFACE -fsanitize=${QH_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all
                                                   $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized>)
  # GCC 12 is wrong about std::string (PR 105651) and std::regex (PR 105562) then.
  if(QH_SANITIZE MATCHES "thread")
    # Protobuf's maps have other fields where this is defined, and the library of the system is built without.
    target_compile_options(quadhop_options INTERFACE -U__SANITIZE_THREAD__)
  endif()
  target_compile_definitions(quadhop_options INTERFACE QH_SANITIZED)  # for tests that limit memory
  target_link_options(quadhop_options INTERFACE -fsanitize=${QH_SANITIZE})
endif()

# Third-party headers are system headers: their warnings are not ours.
#   qh_module(core SRCS a.cc b.cc DEPS absl::status ...)
function(qh_module name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_library(quadhop_${name} STATIC ${ARG_SRCS})
  target_link_libraries(quadhop_${name} PUBLIC quadhop_options ${ARG_DEPS})
endfunction()

# Adds the files of a folder of the module to `sources`.
#   qh_folder(base rng.cc status.cc)
function(qh_folder name)
  list(TRANSFORM ARGN PREPEND ${name}/)
  set(sources ${sources} ${ARGN} PARENT_SCOPE)
endfunction()

# A library of generated protocol buffer code; the generated files stay in the build folder.
#   qh_proto(core_proto store/store.proto)
function(qh_proto name)
  set(sources)
  foreach(proto ${ARGN})
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${proto})
    string(REGEX REPLACE "[.]proto$" "" path ${path})
    set(out ${PROJECT_BINARY_DIR}/generated)
    cmake_path(GET path PARENT_PATH folder)
    file(MAKE_DIRECTORY ${out}/${folder})
    add_custom_command(
      OUTPUT ${out}/${path}.pb.cc ${out}/${path}.pb.h
      COMMAND protobuf::protoc --cpp_out=${out} -I${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto} VERBATIM)
    list(APPEND sources ${out}/${path}.pb.cc ${out}/${path}.pb.h)
  endforeach()
  add_library(quadhop_${name} STATIC ${sources})
  target_include_directories(quadhop_${name} SYSTEM PUBLIC ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(quadhop_${name} PUBLIC protobuf::libprotobuf)
endfunction()
