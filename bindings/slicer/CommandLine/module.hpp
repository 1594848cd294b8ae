// The module that is built: each defines it, and its work, in a folder of its own.
#ifndef COOPSEG_SLICER_MODULE_HPP
#define COOPSEG_SLICER_MODULE_HPP

#include "parameter.hpp"

class Arguments;

struct Module {
    /** Of its executable, and before what it says on stderr. */
    std::string name;
    /** Where Slicer lists it. */
    std::string category;
    std::string title;
    std::string description;
    std::vector<ParameterGroup> groups;
};

/** The module; needs neither libtorch nor ITK. */
const Module &this_module();

/**
 * Does the module's work, in the worker: writes everything that the arguments ask for, or nothing.
 *
 * @throws Interrupted; coopseg::Error; itk::ExceptionObject; std::exception.
 */
void work(const Arguments &arguments);

#endif
