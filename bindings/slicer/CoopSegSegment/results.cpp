#include "results.hpp"

#include <algorithm>
#include <sstream>

std::string to_text(const Results &results)
{
    std::ostringstream text;
    text << "seconds = " << results.seconds << "\nslices = " << results.slices << "\nclasses = ";
    const char *separator = "";
    for (std::string name : results.classes) {
        std::replace(name.begin(), name.end(), ',', ' ');
        text << separator << name;
        separator = ",";
    }
    text << "\nvolumes = ";
    separator = "";
    for (const double volume : results.volumes) {
        text << separator << volume;
        separator = ",";
    }
    text << '\n';
    return text.str();
}
