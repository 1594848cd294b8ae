// What the module says of itself.
#ifndef COOPSEG_SLICER_DESCRIPTION_HPP
#define COOPSEG_SLICER_DESCRIPTION_HPP

#include <string>

/** The XML that Slicer makes the module's panel from. */
std::string description_xml();

/** The text of --help. */
std::string help_text();

/** The library's version that the module was built with. */
std::string version_text();

#endif
