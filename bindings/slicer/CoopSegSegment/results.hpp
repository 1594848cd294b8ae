// What a run found, for --returnparameterfile.
#ifndef COOPSEG_SLICER_RESULTS_HPP
#define COOPSEG_SLICER_RESULTS_HPP

#include <string>
#include <vector>

struct Results {
    double seconds = 0;
    std::size_t slices = 0;
    /** Without the background. */
    std::vector<std::string> classes;
    /** Of each class, in ml. */
    std::vector<double> volumes;
};

/** The lines "name = value" that Slicer reads; elements of lists are separated by commas. */
std::string to_text(const Results &results);

#endif
