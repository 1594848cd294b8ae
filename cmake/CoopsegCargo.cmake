# The library as cargo builds it, under the names that programs load: coopseg::coopseg, in <build folder>/lib.
set(COOPSEG_SOVERSION 0) # as in build.rs; stays 0 until 1.0
set(COOPSEG_FILE libcoopseg.so.${PROJECT_VERSION})
set(COOPSEG_SONAME libcoopseg.so.${COOPSEG_SOVERSION})
set(COOPSEG_LIBRARY_DIR "${PROJECT_BINARY_DIR}/lib")

find_program(CARGO cargo HINTS "$ENV{HOME}/.cargo/bin" REQUIRED)
set(environment)
if(LIBTORCH)
    set(environment "${CMAKE_COMMAND}" -E env "LIBTORCH=${LIBTORCH}" --)
endif()

# cargo knows best whether anything changed, so it is always asked.
file(MAKE_DIRECTORY "${COOPSEG_LIBRARY_DIR}")
add_custom_target(coopseg_cargo ALL
    COMMAND ${environment} "${CARGO}" build --release --lib --locked --target-dir "${PROJECT_SOURCE_DIR}/target"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different
        "${PROJECT_SOURCE_DIR}/target/release/libcoopseg.so" "${COOPSEG_LIBRARY_DIR}/${COOPSEG_FILE}"
    COMMAND "${CMAKE_COMMAND}" -E create_symlink ${COOPSEG_FILE} "${COOPSEG_LIBRARY_DIR}/${COOPSEG_SONAME}"
    COMMAND "${CMAKE_COMMAND}" -E create_symlink ${COOPSEG_SONAME} "${COOPSEG_LIBRARY_DIR}/libcoopseg.so"
    BYPRODUCTS "${COOPSEG_LIBRARY_DIR}/${COOPSEG_FILE}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "cargo build --release"
    USES_TERMINAL
    VERBATIM)

add_library(coopseg::coopseg SHARED IMPORTED)
add_dependencies(coopseg::coopseg coopseg_cargo)
set_target_properties(coopseg::coopseg PROPERTIES
    IMPORTED_LOCATION "${COOPSEG_LIBRARY_DIR}/${COOPSEG_FILE}"
    IMPORTED_SONAME ${COOPSEG_SONAME}
    IMPORTED_LINK_DEPENDENT_LIBRARIES
        "${COOPSEG_LINKED_LIBTORCH_DIR}/libtorch_cpu.so;${COOPSEG_LINKED_LIBTORCH_DIR}/libc10.so"
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
