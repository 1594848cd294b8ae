# Tests of the C interface. Each is a program that gets a scratch folder of its own as its only argument and
# succeeds with exit code 0.
set(COOPSEG_TEST_WARNINGS -pedantic -Wall -Wextra -Werror)

# coopseg_c_test(<name> [<more sources>...]): <name>.c, once as C99 and once as C++17.
function(coopseg_c_test name)
    set(as_cxx)
    foreach(source IN LISTS name ARGN)
        cmake_path(REPLACE_EXTENSION source LAST_ONLY .c OUTPUT_VARIABLE source)
        cmake_path(ABSOLUTE_PATH source)
        cmake_path(GET source STEM stem)
        set(copy "${CMAKE_CURRENT_BINARY_DIR}/${name}_as_cxx/${stem}.cpp")
        file(CONFIGURE OUTPUT "${copy}" CONTENT "#include \"${source}\"\n" @ONLY)
        list(APPEND as_c "${source}")
        list(APPEND as_cxx "${copy}")
    endforeach()
    coopseg_program_test(c.${name} C 99 ${as_c})
    coopseg_program_test(c_as_cxx.${name} CXX 17 ${as_cxx})
endfunction()

# coopseg_cpp_test(<name> [<more sources>...]): <name>.cpp, as C++17.
function(coopseg_cpp_test name)
    coopseg_program_test(cpp.${name} CXX 17 ${name}.cpp ${ARGN})
endfunction()

function(coopseg_program_test name language standard)
    add_executable(${name} ${ARGN})
    set_target_properties(${name} PROPERTIES
        ${language}_STANDARD ${standard} ${language}_STANDARD_REQUIRED ON ${language}_EXTENSIONS OFF)
    target_compile_options(${name} PRIVATE ${COOPSEG_TEST_WARNINGS})
    target_link_libraries(${name} PRIVATE coopseg::coopseg m)
    set(scratch "${CMAKE_CURRENT_BINARY_DIR}/scratch/${name}")
    add_test(NAME ${name}
        COMMAND sh -c [[rm -rf "$2" && mkdir -p "$2" && exec "$1" "$2"]] sh "$<TARGET_FILE:${name}>" "${scratch}")
    # The library prints nothing, and the tests speak only of failures: any output is one.
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 RUN_SERIAL ON FAIL_REGULAR_EXPRESSION ".")
endfunction()
