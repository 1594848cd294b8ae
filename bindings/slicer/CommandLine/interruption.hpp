// Signals that ask the module to end.
#ifndef COOPSEG_SLICER_INTERRUPTION_HPP
#define COOPSEG_SLICER_INTERRUPTION_HPP

#include <stdexcept>

/** The work ended because a signal asked for it. */
class Interrupted : public std::runtime_error {
public:
    explicit Interrupted(int signal) : std::runtime_error("cancelled; nothing was written"), signal_(signal) {}

    /** As shells tell the end by a signal. */
    int exit_code() const noexcept { return 128 + signal_; }

private:
    int signal_;
};

/**
 * From now on SIGTERM, SIGINT, SIGHUP and SIGPIPE (whoever reads the progress has gone) are remembered instead of
 * ending the process, so that it can clean up.
 */
void catch_interruptions();

/** The signal that came first, or 0. */
int interruption() noexcept;

/** @throws Interrupted Where a signal has come. */
void end_if_interrupted();

#endif
