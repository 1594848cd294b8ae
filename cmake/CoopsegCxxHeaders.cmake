# Headers compile by themselves, and twice in one program without clashes, in every C++ standard that the compiler
# has, with warnings that a careful user may have turned on.
function(coopseg_header_tests)
    file(GLOB headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include"
        "${PROJECT_SOURCE_DIR}/include/coopseg/*.h" "${PROJECT_SOURCE_DIR}/include/coopseg/*.hpp")
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/headers")
    set(sources)
    foreach(header IN LISTS headers)
        string(MAKE_C_IDENTIFIER "${header}" name)
        foreach(copy IN ITEMS first second)
            set(source "${folder}/${name}_${copy}.cpp")
            file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT
                "#include <${header}>\n#include <${header}>\nint ${name}_${copy}();\nint ${name}_${copy}() { return 0; }\n")
            list(APPEND sources "${source}")
        endforeach()
    endforeach()
    file(CONFIGURE OUTPUT "${folder}/main.cpp" CONTENT "int main() {}\n" @ONLY)
    foreach(standard IN ITEMS 17 20 23)
        if("cxx_std_${standard}" IN_LIST CMAKE_CXX_COMPILE_FEATURES)
            coopseg_program_test(cpp${standard}.headers CXX ${standard} "${folder}/main.cpp" ${sources})
            target_compile_options(cpp${standard}.headers PRIVATE -Wconversion -Wsign-conversion -Wshadow)
            # Headers of imported targets are system headers otherwise, whose warnings nobody sees.
            set_target_properties(cpp${standard}.headers PROPERTIES NO_SYSTEM_FROM_IMPORTED ON)
        endif()
    endforeach()

    # Another compiler, where there is one, looks at the headers too.
    find_program(COOPSEG_CLANGXX clang++)
    if(COOPSEG_CLANGXX)
        foreach(header IN LISTS headers)
            add_test(NAME clang.${header} COMMAND "${COOPSEG_CLANGXX}" -std=c++17 -fsyntax-only -Wall -Wextra
                -Wpedantic -Wconversion -Werror -x c++ "-I${PROJECT_SOURCE_DIR}/include" -include "${header}" /dev/null)
        endforeach()
    endif()
endfunction()
