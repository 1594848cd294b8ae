# `cpack` makes a .tar.gz and a .deb of what is installed.
set(CPACK_PACKAGE_VENDOR "the coopseg authors")
if(NOT CPACK_PACKAGE_CONTACT)
    set(CPACK_PACKAGE_CONTACT "the coopseg authors")
endif()
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_GENERATOR TGZ DEB)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "C library with headers for C and C++, and packages for CMake and pkg-config.\n")
if(COOPSEG_BUNDLE_LIBTORCH)
    string(APPEND CPACK_DEBIAN_PACKAGE_DESCRIPTION "Brings libtorch ${COOPSEG_LIBTORCH_VERSION} for the CPU with it.")
else()
    string(APPEND CPACK_DEBIAN_PACKAGE_DESCRIPTION
        "It needs libtorch ${COOPSEG_LIBTORCH_VERSION}, which is no package: make /usr/${CMAKE_INSTALL_LIBDIR}/coopseg a link\n"
        "to libtorch's lib folder, or name it in the environment variable COOPSEG_LIBTORCH.")
endif()
# Packages that link with libcoopseg.so.0 learn from shlibs what they depend on; the trigger runs ldconfig.
file(CONFIGURE OUTPUT debian/shlibs CONTENT "libcoopseg ${COOPSEG_SOVERSION} coopseg (>= ${PROJECT_VERSION})\n" @ONLY)
file(CONFIGURE OUTPUT debian/triggers CONTENT "activate-noawait ldconfig\n" @ONLY)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${PROJECT_BINARY_DIR}/debian/shlibs;${PROJECT_BINARY_DIR}/debian/triggers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(libstdcxx_version "")
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    string(REGEX REPLACE "^([0-9]+).*" " (>= \\1)" libstdcxx_version "${CMAKE_C_COMPILER_VERSION}")
endif()
configure_file(cmake/debian_depends.cmake.in debian/depends.cmake @ONLY)
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_BINARY_DIR}/debian/depends.cmake")
include(CPack)
