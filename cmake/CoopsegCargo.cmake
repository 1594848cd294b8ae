# The library as cargo builds it, under the names that programs load: coopseg::coopseg, in <build folder>/lib.
set(COOPSEG_SOVERSION 0) # as in build.rs; stays 0 until 1.0
set(COOPSEG_FILE libcoopseg.so.${PROJECT_VERSION})
set(COOPSEG_SONAME libcoopseg.so.${COOPSEG_SOVERSION})
set(COOPSEG_LIBRARY_DIR "${PROJECT_BINARY_DIR}/lib")

# Plain `cargo build` in the checkout shares its output with this project's own build, but not with somebody else's.
set(target_dir "${PROJECT_BINARY_DIR}/cargo")
if(PROJECT_IS_TOP_LEVEL)
    set(target_dir "${PROJECT_SOURCE_DIR}/target")
endif()
set(COOPSEG_CARGO_TARGET_DIR "${target_dir}" CACHE PATH "Folder of cargo's output; for one checkout at a time")
find_program(COOPSEG_CARGO cargo HINTS "$ENV{HOME}/.cargo/bin" DOC "The cargo that builds coopseg")
if(NOT COOPSEG_CARGO)
    message(FATAL_ERROR
        "coopseg is built by cargo, which is not on PATH: install Rust, or name it with -DCOOPSEG_CARGO=/path.")
endif()

# Without the variable cargo takes the libtorch of `make setup`.
set(libtorch --unset=LIBTORCH)
if(COOPSEG_LIBTORCH)
    set(libtorch "LIBTORCH=${COOPSEG_LIBTORCH}")
endif()

# cargo knows best whether anything changed, so it is always asked.
file(MAKE_DIRECTORY "${COOPSEG_LIBRARY_DIR}")
add_custom_target(coopseg_cargo ALL
    COMMAND "${CMAKE_COMMAND}" -E env "${libtorch}"
        "${COOPSEG_CARGO}" build --release --lib --locked --target-dir "${COOPSEG_CARGO_TARGET_DIR}"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different
        "${COOPSEG_CARGO_TARGET_DIR}/release/libcoopseg.so" "${COOPSEG_LIBRARY_DIR}/${COOPSEG_FILE}"
    COMMAND "${CMAKE_COMMAND}" -E create_symlink ${COOPSEG_FILE} "${COOPSEG_LIBRARY_DIR}/${COOPSEG_SONAME}"
    COMMAND "${CMAKE_COMMAND}" -E create_symlink ${COOPSEG_SONAME} "${COOPSEG_LIBRARY_DIR}/libcoopseg.so"
    BYPRODUCTS "${COOPSEG_LIBRARY_DIR}/${COOPSEG_FILE}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "cargo build --release"
    USES_TERMINAL
    VERBATIM)

add_library(coopseg::coopseg SHARED IMPORTED GLOBAL)
add_dependencies(coopseg::coopseg coopseg_cargo)
set_target_properties(coopseg::coopseg PROPERTIES
    IMPORTED_CONFIGURATIONS RELEASE
    IMPORTED_LOCATION "${COOPSEG_LIBRARY_DIR}/${COOPSEG_FILE}"
    IMPORTED_LOCATION_RELEASE "${COOPSEG_LIBRARY_DIR}/${COOPSEG_FILE}"
    IMPORTED_SONAME ${COOPSEG_SONAME}
    IMPORTED_LINK_DEPENDENT_LIBRARIES
        "${COOPSEG_LINKED_LIBTORCH_DIR}/libtorch_cpu.so;${COOPSEG_LINKED_LIBTORCH_DIR}/libc10.so"
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
