// What libtorch warns of, which it would print otherwise.
#pragma once

#include <cstddef>

extern "C" {

// Hears of every warning of the threads that listen; `text` has `length` bytes and no end mark.
typedef void (*coopseg_native_warning_listener)(const char* text, size_t length);

// From now on the calling thread's warnings go to `listener` alone. Returns who heard them before.
void* coopseg_native_hear_warnings(coopseg_native_warning_listener listener);
// They go to whom they went before.
void coopseg_native_unhear_warnings(void* before);

}  // extern "C"
