# Finds the libtorch to link with. Sets COOPSEG_LIBTORCH_VERSION and COOPSEG_LINKED_LIBTORCH_DIR, the folder of its
# libraries.
file(STRINGS "${PROJECT_SOURCE_DIR}/build.rs" line REGEX "^const LIBTORCH_VERSION" LIMIT_COUNT 1)
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" COOPSEG_LIBTORCH_VERSION "${line}")

set(from "$ENV{LIBTORCH}")
if(LIBTORCH)
    set(from "${LIBTORCH}")
endif()
set(COOPSEG_LIBTORCH "${from}" CACHE PATH "Folder of the libtorch to link with; empty for the one of `make setup`")
set(folder "${COOPSEG_LIBTORCH}")
if(NOT folder)
    set(folder "${PROJECT_SOURCE_DIR}/.deps/libtorch")
endif()
set(advice "run `make setup` in ${PROJECT_SOURCE_DIR}, or name one with -DCOOPSEG_LIBTORCH=/path")
foreach(file IN ITEMS lib/libtorch_cpu.so lib/libc10.so include/torch)
    if(NOT EXISTS "${folder}/${file}")
        message(FATAL_ERROR
            "coopseg needs libtorch ${COOPSEG_LIBTORCH_VERSION}, but ${folder} has no ${file}: ${advice}.")
    endif()
endforeach()
execute_process(
    COMMAND sh -c [[. "$1" && libtorch_version "$2"]] sh "${PROJECT_SOURCE_DIR}/scripts/libtorch_version.sh" "${folder}"
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT found STREQUAL COOPSEG_LIBTORCH_VERSION)
    message(FATAL_ERROR
        "coopseg needs libtorch ${COOPSEG_LIBTORCH_VERSION}, but ${folder} holds version \"${found}\": ${advice}.")
endif()
file(REAL_PATH "${folder}/lib/libtorch_cpu.so" library)
cmake_path(GET library PARENT_PATH COOPSEG_LINKED_LIBTORCH_DIR)
