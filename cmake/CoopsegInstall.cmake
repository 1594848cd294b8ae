# Installs the library, its headers and its CMake and pkg-config packages. The prefix may be moved afterwards.
# Components: coopseg_runtime is what programs run with, coopseg_development what they are built with.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Not of type PATH: CMake would prepend its current folder to $ORIGIN. What "auto" stands for is not kept, since the
# next run of CMake may link with another libtorch.
set(COOPSEG_LIBTORCH_DIR auto CACHE STRING
    "Folder where the installed core looks for libtorch; auto: the linked one's; may be empty or begin with $ORIGIN")
set(libtorch_dir "${COOPSEG_LIBTORCH_DIR}")
if(libtorch_dir STREQUAL "auto")
    set(libtorch_dir "${COOPSEG_LINKED_LIBTORCH_DIR}")
endif()
option(COOPSEG_BUNDLE_LIBTORCH "Install libtorch's CPU part with the library")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    message(FATAL_ERROR "coopseg's prefix can be moved, so CMAKE_INSTALL_LIBDIR (${CMAKE_INSTALL_LIBDIR}) and "
        "CMAKE_INSTALL_INCLUDEDIR (${CMAKE_INSTALL_INCLUDEDIR}) must be relative to it.")
endif()
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/coopseg")
set(documentation "${CMAKE_INSTALL_DATAROOTDIR}/doc/coopseg")
set(private_libdir "${CMAKE_INSTALL_LIBDIR}/coopseg")

# What the core's search path says. A libtorch beside the library wins.
set(search_path [[$ORIGIN/coopseg:$ORIGIN]])
if(NOT COOPSEG_BUNDLE_LIBTORCH AND libtorch_dir)
    string(APPEND search_path ":${libtorch_dir}")
endif()

# The core goes into the prefix as it lies here: with that search path, and without what only debuggers read.
set(installable "${PROJECT_BINARY_DIR}/installable")
configure_file(cmake/make_installable.cmake.in make_installable.cmake @ONLY)
add_custom_command(TARGET coopseg_cargo POST_BUILD
    COMMAND "${CMAKE_COMMAND}" -P "${PROJECT_BINARY_DIR}/make_installable.cmake" VERBATIM)
set(kind PROGRAMS)
if(CMAKE_INSTALL_SO_NO_EXE)
    set(kind FILES) # Debian's libraries are not executable
endif()
install(${kind} "${installable}/${COOPSEG_CORE}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT coopseg_runtime)
install(TARGETS coopseg_loader LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    COMPONENT coopseg_runtime NAMELINK_COMPONENT coopseg_development)
install(DIRECTORY include/coopseg DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT coopseg_development
    FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(FILES LICENSE-MIT LICENSE-APACHE THIRD-PARTY.txt cmake/copyright DESTINATION "${documentation}" COMPONENT coopseg_runtime)
if(COOPSEG_BUNDLE_LIBTORCH)
    configure_file(cmake/bundle_libtorch.cmake.in bundle_libtorch.cmake @ONLY)
    install(SCRIPT "${PROJECT_BINARY_DIR}/bundle_libtorch.cmake" COMPONENT coopseg_runtime)
endif()

configure_package_config_file(cmake/coopsegConfig.cmake.in coopsegConfig.cmake INSTALL_DESTINATION "${package}"
    PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(coopsegConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/coopsegConfig.cmake" "${PROJECT_BINARY_DIR}/coopsegConfigVersion.cmake"
    DESTINATION "${package}" COMPONENT coopseg_development)

file(RELATIVE_PATH prefix_from_pc "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /prefix)
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
configure_file(cmake/coopseg.pc.in coopseg.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/coopseg.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT coopseg_development)
