// What makes a label map a segmentation for Slicer.
#ifndef COOPSEG_SLICER_SEGMENT_HEADER_HPP
#define COOPSEG_SLICER_SEGMENT_HEADER_HPP

#include <itkMetaDataDictionary.h>
#include <itkSize.h>

#include <string>
#include <vector>

/**
 * Adds the header fields of a .seg.nrrd file: one segment per class, with its name and a colour.
 *
 * @param names  Of the classes, background first, which becomes no segment.
 * @param size   Of the label map.
 */
void add_segments(itk::MetaDataDictionary &header, const std::vector<std::string> &names, const itk::Size<3> &size);

#endif
