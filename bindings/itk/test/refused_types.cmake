# Compiles SOURCE, which must fail with the filters' own sentences. COMPILER, INCLUDE: how.
list(TRANSFORM INCLUDE PREPEND -I)
execute_process(COMMAND "${COMPILER}" -std=c++17 -fsyntax-only ${INCLUDE} "${SOURCE}"
    RESULT_VARIABLE status ERROR_VARIABLE said)
if(status EQUAL 0)
    message(FATAL_ERROR "types that the filters do not know compile")
endif()
foreach(sentence IN ITEMS
        "CoopSegImageFilter: the input image must have 2 or 3 dimensions"
        "CoopSegImageFilter: the input image must be an itk::Image of a scalar type"
        "CoopSegImageFilter: the label image must have the dimension of the input image"
        "CoopSegImageFilter: the label image must be an itk::Image of a scalar type"
        "CoopSegArtefactImageFilter: the input image must have 2 or 3 dimensions"
        "CoopSegArtefactImageFilter: the input image must be an itk::Image of a scalar type"
        "CoopSegArtefactImageFilter: the output image must have the dimension of the input image"
        "CoopSegArtefactImageFilter: the output image must be an itk::Image of float or double")
    string(FIND "${said}" "${sentence}" found)
    if(found EQUAL -1)
        message(FATAL_ERROR "the compiler does not say that ${sentence}, but:\n${said}")
    endif()
endforeach()
