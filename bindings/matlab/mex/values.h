/*
 * Values between the interpreter and C. Every function here may leave the MEX function with an error, by longjmp or
 * a C++ exception: the caller holds nothing at that moment that only it knows of.
 *
 * Texts are uint8 rows of UTF-8, handles uint64 numbers.
 */
#ifndef COOPSEG_MEX_VALUES_H
#define COOPSEG_MEX_VALUES_H

#include <coopseg/coopseg.h>

#include <mex.h>

/* Names as short as these may exist in the host too. */
#pragma GCC visibility push(hidden)

/* A grid is a row of doubles: spacing, origin and direction row by row, as in coopseg_image. */
enum { GRID_VALUES = 15 };

/* Raises the error coopseg:<name of the status in lower case>. */
void raise_error(coopseg_status status, const char *message);
void refuse(coopseg_status status, const char *format, ...);

/* Raises the message of the library's last call on this thread, unless that went well. */
void check(coopseg_status status);

uint64_t number_of(const mxArray *array);
double double_of(const mxArray *array);
int32_t int_of(const mxArray *array);
const double *doubles_of(const mxArray *array, size_t count);

/* A copy with a zero byte at its end, which the interpreter frees when the MEX function ends. */
char *text_of(const mxArray *array);

/* Describes an array where it lies: x, y, z are its first three axes, `out_image` its first channel. Returns the number
 * of channels, along its fourth axis. */
size_t describe(const mxArray *array, const mxArray *grid, coopseg_image *out_image);

/* The same of an array of one channel. */
coopseg_image image_of(const mxArray *array, const mxArray *grid);

mxArray *number(uint64_t value);
void set_number(mxArray *number, uint64_t value);
mxArray *text(const char *value);
mxArray *grid_of(const coopseg_image *image);
mxArray *array_of(int axes, const int64_t *shape, mxClassID class, const void *data, size_t bytes);

#pragma GCC visibility pop

#endif
