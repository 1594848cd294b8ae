# Has CARGO build the core in TARGET_DIR, and copies it to CORE.
#
# Where a build lies depends on cargo's configuration, so cargo says it: with a build.target it is in a folder of that
# name, and TARGET_DIR/release may hold an older one.
cmake_minimum_required(VERSION 3.21)
execute_process(
    COMMAND "${CARGO}" build --release --lib --locked --target-dir "${TARGET_DIR}"
        --message-format=json-render-diagnostics
    OUTPUT_VARIABLE told RESULT_VARIABLE failed)
if(failed)
    message(FATAL_ERROR "cargo build failed: ${failed}.")
endif()
if(NOT told MATCHES "\"([^\"]*/libcoopseg\\.so)\"")
    message(FATAL_ERROR "cargo build named no libcoopseg.so among what it has made in ${TARGET_DIR}.")
endif()
file(COPY_FILE "${CMAKE_MATCH_1}" "${CORE}" ONLY_IF_DIFFERENT)
