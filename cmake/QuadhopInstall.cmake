# `cmake --install`, and a Debian package of the same files by `cpack -G DEB`.
include(GNUInstallDirs)

# The manual page and the completions are written by the program itself, from its table of commands.
set(man ${PROJECT_BINARY_DIR}/quadhop.1.gz)
set(completions ${PROJECT_BINARY_DIR}/quadhop.bash)
add_custom_command(OUTPUT ${man} ${completions}
  COMMAND sh -c "\"$1\" --help=man | gzip -9n >\"$2\" && \"$1\" --help=bash >\"$3\"" - $<TARGET_FILE:quadhop> ${man} ${completions}
  DEPENDS quadhop VERBATIM)
add_custom_target(quadhop_help ALL DEPENDS ${man} ${completions})

install(TARGETS quadhop RUNTIME)
install(FILES ${man} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${completions} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME quadhop)
install(DIRECTORY launch/configs DESTINATION ${CMAKE_INSTALL_DATADIR}/quadhop)
install(FILES launch/paper.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/quadhop PERMISSIONS
        OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
install(FILES README.md DESIGN.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

# What the program is linked with is found by dpkg-shlibdeps (packages dpkg-dev and file).
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # to package what is built is not to build the tests
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME quadhop)
set(CPACK_PACKAGE_CONTACT "The maintainers of quadhop <quadhop@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(QH_HAVE_MPI)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)  # mpirun, for quadhop launch
endif()
include(CPack)
