# The target coopseg::itk, its installation and its tests, for an ITK without the build system for modules.
include(CMakePackageConfigHelpers)
include(CTest)
include(GNUInstallDirs)

add_library(coopseg_itk INTERFACE)
add_library(coopseg::itk ALIAS coopseg_itk)
set_target_properties(coopseg_itk PROPERTIES EXPORT_NAME itk)
target_compile_features(coopseg_itk INTERFACE cxx_std_17)
target_include_directories(coopseg_itk INTERFACE
    "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/coopseg-itk>")
target_link_libraries(coopseg_itk INTERFACE coopseg::coopseg ${ITKCommon_LIBRARIES})
# ITK's own targets tell where its headers are since version 5.3 only.
target_include_directories(coopseg_itk SYSTEM INTERFACE "$<BUILD_INTERFACE:${ITK_INCLUDE_DIRS}>")

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/coopseg_itk")
install(TARGETS coopseg_itk EXPORT coopseg_itkTargets)
install(EXPORT coopseg_itkTargets NAMESPACE coopseg:: DESTINATION "${package}")
install(DIRECTORY include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/coopseg-itk")
configure_package_config_file(cmake/coopseg_itkConfig.cmake.in coopseg_itkConfig.cmake
    INSTALL_DESTINATION "${package}" NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(coopseg_itkConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
    "${CMAKE_CURRENT_BINARY_DIR}/coopseg_itkConfig.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/coopseg_itkConfigVersion.cmake"
    DESTINATION "${package}")

if(BUILD_TESTING)
    add_subdirectory(test)
endif()
