/*
 * libcoopseg.so is a small library without dependencies, so that programs link and start without libtorch. It has every
 * function of coopseg.h; the first call that needs more opens libcoopseg-core, which does the work and needs libtorch.
 *
 * loader.c finds and opens it, forward.c hands the calls on.
 */
#ifndef COOPSEG_LOADER_H
#define COOPSEG_LOADER_H

#include "coopseg/coopseg.h"

#define LOADER_PUBLIC __attribute__((visibility("default")))

/** What a function returns when the core cannot be opened; the message is left for coopseg_last_error(). */
coopseg_status loader_open(void);

/** Looks up in the open core what forward.c calls. Returns the name of a function that it lacks, else NULL. */
const char *forward_bind(void *core);

#endif
