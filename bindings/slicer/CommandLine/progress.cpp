#include "progress.hpp"

#include "module.hpp"

#include <iostream>

Progress::Progress(const std::string &comment)
{
    std::cout << "<filter-start>\n<filter-name>" << this_module().name << "</filter-name>\n<filter-comment>" << comment
              << "</filter-comment>\n</filter-start>\n"
              << std::flush;
}

void Progress::tell(double share)
{
    if (share - told_ >= 0.005 || (share >= 1 && told_ < 1)) {
        told_ = share;
        std::cout << "<filter-progress>" << share << "</filter-progress>\n" << std::flush;
    }
}

void Progress::end()
{
    std::cout << "<filter-end>\n<filter-name>" << this_module().name << "</filter-name>\n<filter-time>" << seconds()
              << "</filter-time>\n</filter-end>\n"
              << std::flush;
}

double Progress::seconds() const
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}
