# Finds the library that the module's headers call. ITK includes this file before it configures its modules.
find_package(coopseg 0.1 CONFIG REQUIRED)

# The module is its headers; who uses them links the library.
set(CoopSeg_LIBRARIES coopseg::coopseg)
get_target_property(CoopSeg_SYSTEM_INCLUDE_DIRS coopseg::coopseg INTERFACE_INCLUDE_DIRECTORIES)

# An application that finds ITK with this module finds the library again.
set(CoopSeg_EXPORT_CODE_INSTALL "
if(NOT TARGET coopseg::coopseg)
    find_package(coopseg 0.1 CONFIG REQUIRED HINTS \"${coopseg_DIR}\")
endif()
")
set(CoopSeg_EXPORT_CODE_BUILD "${CoopSeg_EXPORT_CODE_INSTALL}")
