/*
 * How long a process takes to load coopseg: first libtorch alone, then coopseg on top of it, then the first call.
 *
 *     load_time /where/libtorch_cpu.so /where/libcoopseg.so
 *
 * Prints one line of JSON. To be run in a fresh process each time.
 */
#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    int32_t (*load_libtorch)(const char *folder) = NULL;
    int32_t (*build_info)(char **json) = NULL;
    void *library, *symbols[2];
    char *json = NULL;
    double marks[4];
    if (argc != 3) {
        fprintf(stderr, "usage: %s LIBTORCH_CPU LIBCOOPSEG\n", argv[0]);
        return 1;
    }
    marks[0] = seconds_now();
    if (dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    marks[1] = seconds_now();
    library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    symbols[0] = library != NULL ? dlsym(library, "coopseg_load_libtorch") : NULL;
    symbols[1] = library != NULL ? dlsym(library, "coopseg_build_info") : NULL;
    if (symbols[0] == NULL || symbols[1] == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    /* C has no cast from an object's address to a function's. */
    memcpy(&load_libtorch, &symbols[0], sizeof load_libtorch);
    memcpy(&build_info, &symbols[1], sizeof build_info);
    if (load_libtorch(NULL) != 0) {
        fprintf(stderr, "coopseg_load_libtorch failed\n");
        return 1;
    }
    marks[2] = seconds_now();
    if (build_info(&json) != 0) {
        fprintf(stderr, "coopseg_build_info failed\n");
        return 1;
    }
    marks[3] = seconds_now();
    printf("{\"libtorch\": %.9f, \"coopseg\": %.9f, \"first_call\": %.9f}\n", marks[1] - marks[0],
           marks[2] - marks[1], marks[3] - marks[2]);
    return 0;
}
