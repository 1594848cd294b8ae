// The module's work.
#ifndef COOPSEG_SLICER_SEGMENTATION_HPP
#define COOPSEG_SLICER_SEGMENTATION_HPP

#include "arguments.hpp"

/**
 * Segments the image that the arguments name and writes what they ask for: everything or nothing.
 *
 * @throws Interrupted; coopseg::Error; itk::ExceptionObject; std::exception.
 */
void segment(const Arguments &arguments);

#endif
