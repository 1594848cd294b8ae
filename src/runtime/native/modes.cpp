#include "modes.h"

#include <c10/core/DispatchKeySet.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <new>

struct coopseg_native_plain_modes {
    // Its absence brings gradients back too.
    c10::InferenceMode no_inference_mode{false};
    c10::impl::ExcludeDispatchKeyGuard no_autocast{c10::autocast_dispatch_keyset};
};

extern "C" coopseg_native_plain_modes* coopseg_native_plain_modes_begin(void) {
    return new (std::nothrow) coopseg_native_plain_modes;
}

extern "C" void coopseg_native_plain_modes_end(coopseg_native_plain_modes* modes) {
    delete modes;
}
