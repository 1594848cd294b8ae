// How functions of this folder report a failure: in the caller's memory, never as an exception.
#pragma once

#include <cstdint>
#include <cstring>
#include <exception>

extern "C" {

// Every function that takes one returns 0, or 1 with the reason in it (always zero-ended).
struct coopseg_native_message {
    char text[2048];
};

}  // extern "C"

namespace coopseg_native {

// Runs `body` and turns what it throws into a message.
template <typename Body>
int32_t guarded(coopseg_native_message* message, Body body) {
    const auto keep = [message](const char* text) {
        std::strncpy(message->text, text, sizeof(message->text) - 1);
        message->text[sizeof(message->text) - 1] = '\0';
    };
    try {
        body();
        keep("");
        return 0;
    } catch (const std::exception& error) {
        keep(error.what());
    } catch (...) {
        keep("an exception of unknown type");
    }
    return 1;
}

}  // namespace coopseg_native
