# Installs the library, its headers and its CMake and pkg-config packages. The prefix may be moved afterwards.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(COOPSEG_LIBTORCH_DIR "${COOPSEG_LINKED_LIBTORCH_DIR}" CACHE PATH
    "Folder where the installed library looks for libtorch_cpu.so and libc10.so")
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/coopseg")

install(PROGRAMS "${COOPSEG_LIBRARY_DIR}/${COOPSEG_FILE}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${COOPSEG_LIBRARY_DIR}/${COOPSEG_SONAME}" "${COOPSEG_LIBRARY_DIR}/libcoopseg.so"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY include/coopseg DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

configure_file(cmake/finish_install.cmake.in finish_install.cmake @ONLY)
install(SCRIPT "${PROJECT_BINARY_DIR}/finish_install.cmake")

configure_package_config_file(cmake/coopsegConfig.cmake.in coopsegConfig.cmake INSTALL_DESTINATION "${package}"
    PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR NO_CHECK_REQUIRED_COMPONENTS_MACRO)
configure_file(cmake/coopsegTargets.cmake.in coopsegTargets.cmake @ONLY)
write_basic_package_version_file(coopsegConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/coopsegConfig.cmake"
    "${PROJECT_BINARY_DIR}/coopsegConfigVersion.cmake"
    "${PROJECT_BINARY_DIR}/coopsegTargets.cmake"
    DESTINATION "${package}")

file(RELATIVE_PATH prefix_from_pc "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /prefix)
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
set(libtorch_libdir "${COOPSEG_LIBTORCH_DIR}")
if(NOT libtorch_libdir)
    set(libtorch_libdir "${COOPSEG_LINKED_LIBTORCH_DIR}")
endif()
configure_file(cmake/coopseg.pc.in coopseg.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/coopseg.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

set(CPACK_PACKAGE_CONTACT "the coopseg developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6 (>= 2.28), libstdc++6, libgcc-s1")
include(CPack)
