#include "interruption.hpp"

#include <csignal>

namespace {

volatile std::sig_atomic_t first_signal = 0;

extern "C" void remember(int signal)
{
    if (first_signal == 0) {
        first_signal = signal;
    }
}

} // namespace

void catch_interruptions()
{
    struct sigaction action = {};
    action.sa_handler = remember;
    action.sa_flags = SA_RESTART;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
        sigaction(signal, &action, nullptr);
    }
}

int interruption() noexcept { return first_signal; }

void end_if_interrupted()
{
    if (first_signal != 0) {
        throw Interrupted(first_signal);
    }
}
