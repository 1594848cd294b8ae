# libcoopseg-core as cargo builds it, under the name that libcoopseg.so opens, in <build folder>/lib.
set(COOPSEG_CORE libcoopseg-core.so.${PROJECT_VERSION}) # as in build.rs
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

if(CMAKE_CROSSCOMPILING)
    message(FATAL_ERROR "coopseg is built for the machine that builds it, but CMAKE_CROSSCOMPILING is on.")
endif()

# Without the variable cargo takes the libtorch of `make setup`.
set(libtorch --unset=LIBTORCH)
if(COOPSEG_LIBTORCH)
    set(libtorch "LIBTORCH=${COOPSEG_LIBTORCH}")
endif()

# cargo knows best whether anything changed, so it is always asked.
file(MAKE_DIRECTORY "${COOPSEG_LIBRARY_DIR}")
add_custom_target(coopseg_cargo ALL
    COMMAND "${CMAKE_COMMAND}" -E env "${libtorch}" --unset=CARGO_BUILD_TARGET
        "${CMAKE_COMMAND}" "-DCARGO=${COOPSEG_CARGO}" "-DTARGET_DIR=${COOPSEG_CARGO_TARGET_DIR}"
        "-DCORE=${COOPSEG_LIBRARY_DIR}/${COOPSEG_CORE}" -P "${PROJECT_SOURCE_DIR}/cmake/build_core.cmake"
    BYPRODUCTS "${COOPSEG_LIBRARY_DIR}/${COOPSEG_CORE}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "cargo build --release"
    USES_TERMINAL
    VERBATIM)
