# Compiles SOURCE, which must fail with the filter's own sentences. COMPILER, INCLUDE: how.
list(TRANSFORM INCLUDE PREPEND -I)
execute_process(COMMAND "${COMPILER}" -std=c++17 -fsyntax-only ${INCLUDE} "${SOURCE}"
    RESULT_VARIABLE status ERROR_VARIABLE said)
if(status EQUAL 0)
    message(FATAL_ERROR "types that the filter does not know compile")
endif()
foreach(sentence IN ITEMS
        "the input image must have 2 or 3 dimensions"
        "the input image must be an itk::Image of a scalar type"
        "the label image must have the dimension of the input image"
        "the label image must be an itk::Image of a scalar type")
    string(FIND "${said}" "CoopSegImageFilter: ${sentence}" found)
    if(found EQUAL -1)
        message(FATAL_ERROR "the compiler does not say that ${sentence}, but:\n${said}")
    endif()
endforeach()
