// What a thread of the host may have switched in libtorch for itself: no gradients, inference mode, autocast.
#pragma once

extern "C" {

// The time during which none of it holds on a thread.
struct coopseg_native_plain_modes;

// From now on, for the calling thread. Null where there is no memory.
coopseg_native_plain_modes* coopseg_native_plain_modes_begin(void);
// As it was before; on the same thread, the last that began first.
void coopseg_native_plain_modes_end(coopseg_native_plain_modes* modes);

}  // extern "C"
