#include "warnings.h"

#include <c10/util/Exception.h>

#include <atomic>

namespace {

std::atomic<coopseg_native_warning_listener> heard_by{nullptr};

class Handler final : public c10::WarningHandler {
  public:
    void process(const c10::Warning& warning) override {
        if (const auto listener = heard_by.load(std::memory_order_relaxed)) {
            listener(warning.msg().data(), warning.msg().size());
        }
    }
};

}  // namespace

extern "C" void* coopseg_native_hear_warnings(coopseg_native_warning_listener listener) {
    // Never destroyed: threads may warn until the process ends.
    static Handler* handler = new Handler;
    heard_by.store(listener, std::memory_order_relaxed);
    c10::WarningHandler* before = c10::WarningUtils::get_warning_handler();
    c10::WarningUtils::set_warning_handler(handler);
    return before;
}

extern "C" void coopseg_native_unhear_warnings(void* before) {
    c10::WarningUtils::set_warning_handler(static_cast<c10::WarningHandler*>(before));
}
