# Libraries, as Debian 12 and Ubuntu 24.04 package them. launch/install.sh names the packages.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)  # to hold oneDNN to one thread a call
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(MATIO REQUIRED IMPORTED_TARGET matio)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

# Not by oneDNN's own CMake file: Debian 12's asks for OpenCL headers that its package does not depend on.
find_path(DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
find_library(DNNL_LIBRARY dnnl REQUIRED)
add_library(DNNL::dnnl UNKNOWN IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION ${DNNL_LIBRARY}
                                            INTERFACE_INCLUDE_DIRECTORIES ${DNNL_INCLUDE_DIR})

# Finds an optional package by the tri-state QH_<NAME>; sets QH_HAVE_<NAME> to ON or OFF.
macro(qh_optional name found)
  if(QH_${name} STREQUAL "OFF")
    set(QH_HAVE_${name} OFF)
  elseif(${found})
    set(QH_HAVE_${name} ON)
  elseif(QH_${name} STREQUAL "ON")
    message(FATAL_ERROR "QH_${name} is ON, but ${name} was not found")
  else()
    set(QH_HAVE_${name} OFF)
  endif()
endmacro()

find_package(MPI COMPONENTS CXX)
qh_optional(MPI MPI_CXX_FOUND)

find_path(METIS_INCLUDE_DIR metis.h)
find_library(METIS_LIBRARY metis)
if(METIS_INCLUDE_DIR AND METIS_LIBRARY)
  set(METIS_FOUND TRUE)
endif()
qh_optional(METIS METIS_FOUND)

# Its variant of 64-bit ids where there is one: the libraries have one name, and are told apart by their folders, so that
# programs need a RUNPATH (CMAKE_INSTALL_RPATH_USE_LINK_PATH).
find_path(PTSCOTCH_INCLUDE_DIR ptscotch.h PATH_SUFFIXES scotch-int64 scotch)
find_library(PTSCOTCH_LIBRARY ptscotch PATH_SUFFIXES scotch-int64)
find_library(PTSCOTCHERR_LIBRARY ptscotcherr PATH_SUFFIXES scotch-int64)
if(QH_HAVE_MPI AND PTSCOTCH_INCLUDE_DIR AND PTSCOTCH_LIBRARY AND PTSCOTCHERR_LIBRARY)
  set(PTSCOTCH_FOUND TRUE)
endif()
qh_optional(PTSCOTCH PTSCOTCH_FOUND)

set(QH_HAVE_NCCL OFF)
if(QH_CUDA)
  if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(CMAKE_CUDA_COMPILER nvcc PATHS /usr/local/cuda/bin)
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90)  # A100; H100 and H200, and by PTX all later ones
  endif()
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # nvcc 12 knows C++20, CMake 3.25 not yet that it does
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  endif()
  find_package(CUDAToolkit 12 REQUIRED)
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR})
  if(NCCL_INCLUDE_DIR AND NCCL_LIBRARY)
    set(NCCL_FOUND TRUE)
  endif()
  qh_optional(NCCL NCCL_FOUND)
endif()
