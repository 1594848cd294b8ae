#define _POSIX_C_SOURCE 200809L

#include "run.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whoever's turn it is not touches nothing here. */
struct run {
    run *next;
    uint64_t id;
    const coopseg_segmenter *segmenter;

    /* An image in memory and its maps. */
    coopseg_image *channels;
    const coopseg_image **channel_list;
    coopseg_buffer maps[MAPS];

    /* Or files. */
    char **images;
    char *map_files[MAPS];

    /* Channels or image files. */
    int32_t count;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t turn_changed;
    bool own_turn, started, cancelled, ended;
    size_t done, slices;
    coopseg_status status;
    char message[4096];
    char *report;
};

static run *runs;
static uint64_t last_id;

/* Gives the turn to the run (true) or to the caller (false), and waits until it comes back. */
static void pass_turn(run *self, bool own_turn)
{
    self->own_turn = own_turn;
    pthread_cond_broadcast(&self->turn_changed);
    while (self->own_turn == own_turn)
        pthread_cond_wait(&self->turn_changed, &self->mutex);
}

static int32_t hear(size_t done, size_t slices, void *user_data)
{
    run *self = user_data;
    bool cancelled;

    pthread_mutex_lock(&self->mutex);
    self->done = done;
    self->slices = slices;
    if (!self->cancelled)
        pass_turn(self, false);
    cancelled = self->cancelled;
    pthread_mutex_unlock(&self->mutex);
    return cancelled;
}

static coopseg_status segment_image(run *self)
{
    const coopseg_buffer *wanted[MAPS];
    coopseg_segmentation maps;

    for (int map = 0; map < MAPS; map++)
        wanted[map] = run_map(self, map);
    memset(&maps, 0, sizeof maps);
    maps.struct_size = sizeof maps;
    maps.labels = wanted[0];
    maps.fast_labels = wanted[1];
    maps.probabilities = wanted[PROBABILITIES];
    maps.entropy = wanted[3];
    maps.disagreement = wanted[4];
    return coopseg_segmenter_run_channels(self->segmenter, self->channel_list, self->count, &maps, hear, self,
                                          &self->report);
}

static coopseg_status segment_files(run *self)
{
    coopseg_segmentation_files files;

    memset(&files, 0, sizeof files);
    files.struct_size = sizeof files;
    files.labels = self->map_files[0];
    files.fast_labels = self->map_files[1];
    files.probabilities = self->map_files[PROBABILITIES];
    files.entropy = self->map_files[3];
    files.disagreement = self->map_files[4];
    /* One file may hold several channels; that is for run_file alone. */
    if (self->count == 1)
        return coopseg_segmenter_run_file(self->segmenter, self->images[0], &files, hear, self, &self->report);
    return coopseg_segmenter_run_files(self->segmenter, (const char *const *)self->images, self->count, &files, hear,
                                       self, &self->report);
}

static void *work(void *argument)
{
    run *self = argument;
    coopseg_status status = self->images ? segment_files(self) : segment_image(self);

    pthread_mutex_lock(&self->mutex);
    self->status = status;
    if (status != COOPSEG_OK)
        coopseg_last_error(self->message, sizeof self->message, NULL);
    self->ended = true;
    self->own_turn = false;
    pthread_cond_broadcast(&self->turn_changed);
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

/* Starts the thread, with the turn. Ctrl-C is left to the interpreter's thread. */
static void start(run *self)
{
    sigset_t interrupt, before;

    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    self->started = pthread_create(&self->thread, NULL, work, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!self->started) {
        self->status = COOPSEG_OUT_OF_MEMORY;
        snprintf(self->message, sizeof self->message, "the system refused a thread for the segmentation");
        self->ended = true;
    }
}

/* Lets a run go on until its next slice is done, or to its end. */
static void let_run(run *self)
{
    pthread_mutex_lock(&self->mutex);
    if (!self->started)
        start(self);
    if (!self->ended)
        pass_turn(self, true);
    pthread_mutex_unlock(&self->mutex);
}

static run *new_run(const coopseg_segmenter *segmenter, int32_t count)
{
    run *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    self->id = ++last_id;
    self->segmenter = segmenter;
    self->count = count;
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->turn_changed, NULL);
    self->next = runs;
    runs = self;
    return self;
}

static bool allocate_map(run *self, int map, int32_t classes)
{
    coopseg_buffer *buffer = &self->maps[map];
    const int64_t *shape = self->channels[0].shape;
    size_t elements = 1;

    buffer->struct_size = sizeof *buffer;
    buffer->dtype = map < LABEL_MAPS ? COOPSEG_U8 : COOPSEG_F32;
    buffer->ndim = map == PROBABILITIES ? 4 : 3;
    memcpy(buffer->shape, shape, 3 * sizeof *shape);
    buffer->shape[3] = map == PROBABILITIES ? classes : 1;
    for (int axis = 0; axis < 4; axis++)
        elements *= (size_t)buffer->shape[axis];
    buffer->data_size = elements * (map < LABEL_MAPS ? sizeof(uint8_t) : sizeof(float));
    buffer->data = malloc(buffer->data_size ? buffer->data_size : 1);
    return buffer->data != NULL;
}

run *run_of_image(const coopseg_segmenter *segmenter, const coopseg_image *first, int32_t count,
                  const bool wanted[MAPS], int32_t classes)
{
    run *self = new_run(segmenter, count);

    if (!self)
        return NULL;
    self->channels = calloc((size_t)count, sizeof *self->channels);
    self->channel_list = calloc((size_t)count, sizeof *self->channel_list);
    if (!self->channels || !self->channel_list) {
        run_end(self);
        return NULL;
    }
    for (int32_t channel = 0; channel < count; channel++) {
        self->channels[channel] = *first;
        self->channels[channel].data = (const char *)first->data + (size_t)channel * first->data_size;
        self->channel_list[channel] = &self->channels[channel];
    }
    for (int map = 0; map < MAPS; map++) {
        if (wanted[map] && !allocate_map(self, map, classes)) {
            run_end(self);
            return NULL;
        }
    }
    return self;
}

run *run_of_files(const coopseg_segmenter *segmenter, const char *const *images, int32_t count,
                  const char *const map_files[MAPS])
{
    run *self = new_run(segmenter, count);
    bool whole;

    if (!self)
        return NULL;
    self->images = calloc((size_t)count, sizeof *self->images);
    whole = self->images != NULL;
    for (int32_t image = 0; whole && image < count; image++)
        whole = (self->images[image] = strdup(images[image])) != NULL;
    for (int map = 0; whole && map < MAPS; map++)
        if (map_files[map] && *map_files[map])
            whole = (self->map_files[map] = strdup(map_files[map])) != NULL;
    if (!whole) {
        run_end(self);
        return NULL;
    }
    return self;
}

run *run_find(uint64_t id)
{
    run *self = runs;

    while (self && self->id != id)
        self = self->next;
    return self;
}

uint64_t run_id(const run *self)
{
    return self->id;
}

const void *run_voxels(const run *self)
{
    return self->channels ? self->channels[0].data : NULL;
}

bool run_advance(run *self, size_t *done, size_t *slices)
{
    let_run(self);
    *done = self->done;
    *slices = self->slices;
    return !self->ended;
}

bool run_has_ended(const run *self)
{
    return self->ended;
}

coopseg_status run_status(const run *self)
{
    return self->status;
}

const char *run_message(const run *self)
{
    return self->message;
}

const char *run_report(const run *self)
{
    return self->report;
}

const coopseg_buffer *run_map(const run *self, int map)
{
    return self->maps[map].data ? &self->maps[map] : NULL;
}

void run_end(run *self)
{
    run **link = &runs;

    if (self->started) {
        self->cancelled = true;
        let_run(self);
        pthread_join(self->thread, NULL);
    }
    while (*link && *link != self)
        link = &(*link)->next;
    if (*link)
        *link = self->next;

    for (int map = 0; map < MAPS; map++) {
        free(self->maps[map].data);
        free(self->map_files[map]);
    }
    for (int32_t image = 0; self->images && image < self->count; image++)
        free(self->images[image]);
    free(self->images);
    free(self->channels);
    free(self->channel_list);
    coopseg_string_free(self->report);
    pthread_cond_destroy(&self->turn_changed);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

void run_end_all(void)
{
    while (runs)
        run_end(runs);
}

size_t run_count(void)
{
    size_t count = 0;

    for (const run *each = runs; each; each = each->next)
        count++;
    return count;
}
