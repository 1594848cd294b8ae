/* Checks for the tests of the C interface. Compiles as C99 and as C++17. */
#ifndef COOPSEG_TEST_CHECK_H
#define COOPSEG_TEST_CHECK_H

#include <coopseg/coopseg.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                    \
            failures++;                                                                                      \
        }                                                                                                    \
    } while (0)

/* The program came to where it does not come as long as this holds. */
#define FAIL(words)                                                                                          \
    do {                                                                                                     \
        fprintf(stderr, "%s:%d: it does not hold that %s\n", __FILE__, __LINE__, words);                     \
        failures++;                                                                                          \
    } while (0)

#define CHECK_STATUS(expected, call) check_status(expected, (call), NULL, #call, __FILE__, __LINE__)

/* The call fails with this status, and the message holds these words. */
#define CHECK_FAILS(expected, words, call) check_status(expected, (call), words, #call, __FILE__, __LINE__)

#define CHECK_OK(call) CHECK_STATUS(COOPSEG_OK, call)

static inline void check_status(coopseg_status expected, coopseg_status found, const char *words,
                                const char *call, const char *file, int line)
{
    char message[2048] = "";
    coopseg_last_error(message, sizeof message, NULL);
    if (found != expected) {
        fprintf(stderr, "%s:%d: %s\n  returned %s (%s) instead of %s\n", file, line, call,
                coopseg_status_name(found), found == COOPSEG_OK ? "" : message, coopseg_status_name(expected));
        failures++;
    } else if (words != NULL && strstr(message, words) == NULL) {
        fprintf(stderr, "%s:%d: %s\n  said \"%s\", which does not hold \"%s\"\n", file, line, call, message,
                words);
        failures++;
    }
}

static inline int report(void)
{
    if (failures > 0) {
        fprintf(stderr, "%d check(s) failed\n", failures);
    }
    return failures > 0 ? 1 : 0;
}

/* The folder for files of this test, given by the build system. */
static inline const char *scratch(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s SCRATCH_FOLDER\n", argv[0]);
        exit(1);
    }
    return argv[1];
}

static inline void path_in(char *out, size_t size, const char *folder, const char *name)
{
    snprintf(out, size, "%s/%s", folder, name);
}

static inline void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

/* A small network on a small grid. */
#define SMALL_CONFIG                                                                                         \
    "{\"network\": {\"width\": 2}, \"seed\": 7, \"device\": \"cpu\","                                        \
    " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]},"                           \
    " \"slices_per_step\": 2, \"epochs\": 2}"

#define NX 40
#define NY 36
#define NZ 3

/* A bright disc on a grey ramp, and its labels. */
static inline void fill(float *image, unsigned char *labels)
{
    for (int z = 0; z < NZ; z++) {
        for (int y = 0; y < NY; y++) {
            for (int x = 0; x < NX; x++) {
                int i = (z * NY + y) * NX + x;
                int r2 = (x - 20) * (x - 20) + (y - 18) * (y - 18);
                unsigned char c = (unsigned char)(r2 < 25 ? 1 : r2 < 64 ? 2 : r2 < 100 ? 3 : 0);
                labels[i] = c;
                image[i] = (float)x + (float)(c * 30) + (float)z;
            }
        }
    }
}

static inline coopseg_image describe(int32_t dtype, const void *data)
{
    const int64_t shape[3] = {NX, NY, NZ};
    const double spacing[3] = {1.5, 1.5, 8.0};
    coopseg_image image;
    memset(&image, 0, sizeof image);
    CHECK_OK(coopseg_image_init(dtype, shape, spacing, data, &image));
    return image;
}

static inline coopseg_buffer buffer_for(int32_t dtype, int32_t ndim, int64_t fourth, void *data, size_t size)
{
    coopseg_buffer buffer;
    memset(&buffer, 0, sizeof buffer);
    buffer.struct_size = sizeof buffer;
    buffer.dtype = dtype;
    buffer.ndim = ndim;
    buffer.shape[0] = NX;
    buffer.shape[1] = NY;
    buffer.shape[2] = NZ;
    buffer.shape[3] = fourth;
    buffer.data = data;
    buffer.data_size = size;
    return buffer;
}

#endif
