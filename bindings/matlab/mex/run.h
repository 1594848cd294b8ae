/*
 * A segmentation that stops after every slice until it is told to go on.
 *
 * It computes on a thread of its own, which rests inside coopseg's progress callback while the caller has the turn. So
 * the caller may leave by longjmp, a C++ exception or Ctrl-C between two calls, and no frame of libcoopseg is left that
 * way: the run stays where it is until run_end. Nothing here calls the interpreter.
 *
 * All functions are for one thread, the interpreter's.
 */
#ifndef COOPSEG_MEX_RUN_H
#define COOPSEG_MEX_RUN_H

#include <coopseg/coopseg.h>

#include <stdbool.h>

/* Names as short as these may exist in the host too. */
#pragma GCC visibility push(hidden)

/* The maps in the order of +coopseg/+internal/map_names.m; the first two are labels, the third is 4-D. */
enum { MAPS = 5, LABEL_MAPS = 2, PROBABILITIES = 2 };

typedef struct run run;

/* A run over an image in memory. `first` describes the first of `count` channels that follow each other; its voxels
 * stay the caller's and are read in run_advance and run_end only. NULL: no memory. */
run *run_of_image(const coopseg_segmenter *segmenter, const coopseg_image *first, int32_t count,
                  const bool wanted[MAPS], int32_t classes);

/* A run from `count` files to files, NULL or "" for maps that are not wanted. The texts are copied. NULL: no memory. */
run *run_of_files(const coopseg_segmenter *segmenter, const char *const *images, int32_t count,
                  const char *const map_files[MAPS]);

/* Runs have numbers, which are never used again. NULL: there is no such run, or no longer. */
run *run_find(uint64_t id);
uint64_t run_id(const run *self);

/* The first voxel of the image; NULL for files. */
const void *run_voxels(const run *self);

/* Computes until the next slice is done: true, with the number of slices done and in all. False: the run has ended. */
bool run_advance(run *self, size_t *done, size_t *slices);
bool run_has_ended(const run *self);

/* Of a run that has ended: its status, the message of one that failed, the report (JSON) of one that did not, and its
 * maps, NULL where not wanted. They live as long as the run. */
coopseg_status run_status(const run *self);
const char *run_message(const run *self);
const char *run_report(const run *self);
const coopseg_buffer *run_map(const run *self, int map);

/* Ends a run in any state, and forgets it. */
void run_end(run *self);
void run_end_all(void);
size_t run_count(void);

#pragma GCC visibility pop

#endif
