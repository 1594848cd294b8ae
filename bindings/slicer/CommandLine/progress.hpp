// Progress as Slicer reads it: tags on stdout.
#ifndef COOPSEG_SLICER_PROGRESS_HPP
#define COOPSEG_SLICER_PROGRESS_HPP

#include <chrono>
#include <string>

class Progress {
public:
    explicit Progress(const std::string &comment);

    /** @param share  0 to 1. What Slicer would not see, because it hardly differs, is not told. */
    void tell(double share);

    void end();

    /** Since the start. */
    double seconds() const;

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    double told_ = -1;
};

#endif
