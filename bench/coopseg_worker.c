/*
 * coopseg as one contestant of the benchmark: does what it is told on standard input, line by line, and answers each
 * line with one line of JSON. A line is a command and its arguments with tabs between.
 *
 * What is timed is the library's call and nothing else. An answer with "error" ends the benchmark.
 */
#define _POSIX_C_SOURCE 200809L

#include <coopseg/coopseg.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLASSES 4
#define MOST_ARGUMENTS 8
#define MOST_THREADS 64
#define LONGEST_LINE 65536

/* What earlier commands have made and later ones use. */
static coopseg_model *model;
static coopseg_segmenter *segmenter;
static coopseg_trainer *trainer;
static char segmenter_options[4096];

static float *image_voxels;
static coopseg_image image;
static uint8_t *label_voxels;
static coopseg_buffer labels;

static float *batch_images;
static uint8_t *batch_labels;
static int64_t batch_shape[4];

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void print_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            printf("\\%c", byte);
        } else if (byte < 0x20) {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

static int failed(const char *reason)
{
    printf("{\"error\": ");
    print_text(reason);
    puts("}");
    return 1;
}

/* Answers with the library's own words where a call failed. */
static int refused(coopseg_status status)
{
    char message[2048];
    if (status == COOPSEG_OK) {
        return 0;
    }
    coopseg_last_error(message, sizeof message, NULL);
    return failed(message);
}

/* A whole file in memory of its own; NULL where it has another size. */
static void *read_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    void *bytes = malloc(size);
    size_t found = 0;
    int more = 0;
    if (file != NULL && bytes != NULL) {
        found = fread(bytes, 1, size, file);
        more = fgetc(file) != EOF;
    }
    if (file != NULL) {
        fclose(file);
    }
    if (found != size || more) {
        free(bytes);
        failed("a file of voxels is missing or has another size");
        return NULL;
    }
    return bytes;
}

static int write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    size_t written = file != NULL ? fwrite(bytes, 1, size, file) : 0;
    if (file == NULL || fclose(file) != 0 || written != size) {
        return failed("a file cannot be written");
    }
    return 0;
}

/* Prints a text of the library's as the value of a key; line breaks would end the answer. */
static void print_json(const char *key, char *json)
{
    char *byte;
    for (byte = json; *byte != '\0'; byte++) {
        if (*byte == '\n') {
            *byte = ' ';
        }
    }
    printf("{\"%s\": %s}\n", key, json);
    coopseg_string_free(json);
}

static void about(char **arguments)
{
    char *json = NULL;
    (void)arguments;
    if (!refused(coopseg_build_info(&json))) {
        print_json("build", json);
    }
}

static void devices(char **arguments)
{
    char *json = NULL;
    (void)arguments;
    if (!refused(coopseg_devices(&json))) {
        print_json("devices", json);
    }
}

/* KIND */
static void schema(char **arguments)
{
    char *json = NULL;
    if (!refused(coopseg_config_schema(arguments[0], &json))) {
        print_json("schema", json);
    }
}

/* COUNT */
static void threads(char **arguments)
{
    if (!refused(coopseg_set_threads(atoi(arguments[0])))) {
        puts("{}");
    }
}

/* FILE */
static void load(char **arguments)
{
    coopseg_model_free(model);
    model = NULL;
    if (!refused(coopseg_model_load(arguments[0], &model))) {
        puts("{}");
    }
}

/* FOLDER CONFIGURATION */
static void import(char **arguments)
{
    coopseg_model_free(model);
    model = NULL;
    if (!refused(coopseg_model_import(arguments[0], arguments[1], &model))) {
        puts("{}");
    }
}

/* FILE */
static void save(char **arguments)
{
    if (!refused(coopseg_model_save(model, arguments[0]))) {
        puts("{}");
    }
}

/* CONFIGURATION HEARTS FILE: trains on synthetic hearts and saves the model. */
static void learn(char **arguments)
{
    coopseg_dataset *hearts = NULL;
    coopseg_trainer *learner = NULL;
    coopseg_status status = coopseg_dataset_synthetic(arguments[1], &hearts);
    if (status == COOPSEG_OK) {
        status = coopseg_trainer_new(arguments[0], hearts, NULL, NULL, &learner);
    }
    if (status == COOPSEG_OK) {
        status = coopseg_trainer_run(learner, NULL, NULL);
    }
    if (status == COOPSEG_OK) {
        status = coopseg_trainer_save_best(learner, arguments[2]);
    }
    if (!refused(status)) {
        puts("{}");
    }
    coopseg_trainer_free(learner);
    coopseg_dataset_free(hearts);
}

/* HEARTS IMAGE LABELS: writes the voxels of one synthetic heart, float32 and uint8, x fastest. */
static void heart(char **arguments)
{
    coopseg_dataset *hearts = NULL;
    coopseg_volume *volumes[2] = {NULL, NULL};
    coopseg_image views[2];
    coopseg_status status = coopseg_dataset_synthetic(arguments[0], &hearts);
    int i;
    if (status == COOPSEG_OK) {
        status = coopseg_dataset_load(hearts, 0, CLASSES, &volumes[0], &volumes[1]);
    }
    for (i = 0; i < 2 && status == COOPSEG_OK; i++) {
        views[i].struct_size = sizeof views[i];
        status = coopseg_volume_image(volumes[i], &views[i]);
    }
    if (!refused(status) && !write_file(arguments[1], views[0].data, views[0].data_size) &&
        !write_file(arguments[2], views[1].data, views[1].data_size)) {
        puts("{}");
    }
    coopseg_volume_free(volumes[0]);
    coopseg_volume_free(volumes[1]);
    coopseg_dataset_free(hearts);
}

/* FILE X Y Z: the float32 image that is segmented from now on. */
static void take_image(char **arguments)
{
    int64_t shape[3];
    double spacing[3] = {1.0, 1.0, 1.0};
    size_t voxels = 1;
    int i;
    for (i = 0; i < 3; i++) {
        shape[i] = atoll(arguments[1 + i]);
        voxels *= (size_t)shape[i];
    }
    free(image_voxels);
    free(label_voxels);
    image_voxels = read_file(arguments[0], voxels * sizeof(float));
    label_voxels = malloc(voxels);
    if (image_voxels == NULL || label_voxels == NULL ||
        refused(coopseg_image_init(COOPSEG_F32, shape, spacing, image_voxels, &image))) {
        return;
    }
    memset(&labels, 0, sizeof labels);
    labels.struct_size = sizeof labels;
    labels.dtype = COOPSEG_U8;
    labels.ndim = 3;
    memcpy(labels.shape, shape, sizeof shape);
    labels.data = label_voxels;
    labels.data_size = voxels;
    puts("{}");
}

/* OPTIONS */
static void make_segmenter(char **arguments)
{
    coopseg_segmenter_free(segmenter);
    segmenter = NULL;
    snprintf(segmenter_options, sizeof segmenter_options, "%s", arguments[0]);
    if (!refused(coopseg_segmenter_new(model, arguments[0], &segmenter))) {
        puts("{}");
    }
}

static void segment(char **arguments)
{
    coopseg_segmentation outputs;
    double start, end;
    coopseg_status status;
    (void)arguments;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &labels;
    start = seconds_now();
    status = coopseg_segmenter_run(segmenter, &image, &outputs, NULL, NULL, NULL);
    end = seconds_now();
    if (!refused(status)) {
        printf("{\"seconds\": %.9f}\n", end - start);
    }
}

/* LABELS PROBABILITIES: writes what the segmenter makes of the image, uint8 and float32, x fastest, class slowest. */
static void results(char **arguments)
{
    size_t voxels = labels.data_size;
    float *values = malloc(voxels * CLASSES * sizeof(float));
    coopseg_segmentation outputs;
    coopseg_buffer probabilities = labels;
    if (values == NULL) {
        failed("out of memory");
        return;
    }
    probabilities.dtype = COOPSEG_F32;
    probabilities.ndim = 4;
    probabilities.shape[3] = CLASSES;
    probabilities.data = values;
    probabilities.data_size = voxels * CLASSES * sizeof(float);
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &labels;
    outputs.probabilities = &probabilities;
    if (!refused(coopseg_segmenter_run(segmenter, &image, &outputs, NULL, NULL, NULL)) &&
        !write_file(arguments[0], label_voxels, voxels) &&
        !write_file(arguments[1], values, probabilities.data_size)) {
        puts("{}");
    }
    free(values);
}

/* IMAGE LABELS */
static void segment_file(char **arguments)
{
    coopseg_segmentation_files outputs;
    double start, end;
    coopseg_status status;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = arguments[1];
    start = seconds_now();
    status = coopseg_segmenter_run_file(segmenter, arguments[0], &outputs, NULL, NULL, NULL);
    end = seconds_now();
    if (!refused(status)) {
        printf("{\"seconds\": %.9f}\n", end - start);
    }
}

/* CONFIGURATION: a trainer that starts with the weights of the model. */
static void make_trainer(char **arguments)
{
    coopseg_trainer_free(trainer);
    trainer = NULL;
    if (!refused(coopseg_trainer_new(arguments[0], NULL, NULL, model, &trainer))) {
        puts("{}");
    }
}

/* IMAGES LABELS SAMPLES HEIGHT WIDTH */
static void take_batch(char **arguments)
{
    size_t pixels;
    batch_shape[0] = atoll(arguments[2]);
    batch_shape[1] = 1;
    batch_shape[2] = atoll(arguments[3]);
    batch_shape[3] = atoll(arguments[4]);
    pixels = (size_t)(batch_shape[0] * batch_shape[2] * batch_shape[3]);
    free(batch_images);
    free(batch_labels);
    batch_labels = NULL;
    batch_images = read_file(arguments[0], pixels * sizeof(float));
    if (batch_images == NULL) {
        return;
    }
    batch_labels = read_file(arguments[1], pixels);
    if (batch_labels != NULL) {
        puts("{}");
    }
}

/* COUNT: training steps with the batch. A step ends with its losses on the host; on a GPU the last step's update may
   still be running then, so that the first of the next count waits for it. */
static void step(char **arguments)
{
    coopseg_event event;
    int count = atoi(arguments[0]);
    double start, end;
    coopseg_status status = COOPSEG_OK;
    int i;
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;
    start = seconds_now();
    for (i = 0; i < count && status == COOPSEG_OK; i++) {
        status = coopseg_trainer_step_batch(trainer, batch_images, batch_labels, batch_shape, &event);
    }
    end = seconds_now();
    if (!refused(status)) {
        printf("{\"seconds\": %.9f, \"loss\": %.9g}\n", (end - start) / count, event.loss);
    }
}

/* A host thread with a segmenter of its own. */
typedef struct host_thread {
    pthread_t thread;
    coopseg_segmenter *segmenter;
    coopseg_buffer labels;
    pthread_barrier_t *start;
    int volumes;
    coopseg_status status;
} host_thread;

static void *run_host_thread(void *data)
{
    host_thread *own = data;
    coopseg_segmentation outputs;
    int i;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &own->labels;
    pthread_barrier_wait(own->start);
    for (i = 0; i < own->volumes && own->status == COOPSEG_OK; i++) {
        own->status = coopseg_segmenter_run(own->segmenter, &image, &outputs, NULL, NULL, NULL);
    }
    return NULL;
}

/* SEGMENTERS VOLUMES: so many segmenters of the model, each on a host thread of its own, segment so many volumes
   each. */
static void concurrent(char **arguments)
{
    static host_thread hosts[MOST_THREADS];
    pthread_barrier_t barrier;
    int count = atoi(arguments[0]);
    int i;
    double start, end;
    coopseg_status status = COOPSEG_OK;
    if (count < 1 || count > MOST_THREADS) {
        failed("the number of segmenters is out of range");
        return;
    }
    pthread_barrier_init(&barrier, NULL, (unsigned)count + 1);
    for (i = 0; i < count; i++) {
        memset(&hosts[i], 0, sizeof hosts[i]);
        hosts[i].labels = labels;
        hosts[i].labels.data = malloc(labels.data_size);
        hosts[i].start = &barrier;
        hosts[i].volumes = atoi(arguments[1]);
        hosts[i].status = coopseg_segmenter_new(model, segmenter_options, &hosts[i].segmenter);
        pthread_create(&hosts[i].thread, NULL, run_host_thread, &hosts[i]);
    }
    start = seconds_now();
    pthread_barrier_wait(&barrier);
    for (i = 0; i < count; i++) {
        pthread_join(hosts[i].thread, NULL);
        if (hosts[i].status != COOPSEG_OK) {
            status = hosts[i].status;
        }
    }
    end = seconds_now();
    pthread_barrier_destroy(&barrier);
    for (i = 0; i < count; i++) {
        coopseg_segmenter_free(hosts[i].segmenter);
        free(hosts[i].labels.data);
    }
    if (status != COOPSEG_OK) {
        failed(coopseg_status_name(status));
    } else {
        printf("{\"seconds\": %.9f}\n", end - start);
    }
}

/* COUNT: what a call costs that does nothing, one that looks up a handle, and one that asks libtorch. */
static void calls(char **arguments)
{
    long count = atol(arguments[0]);
    coopseg_dataset *dataset = NULL;
    uint32_t versions = 0;
    size_t cases = 0;
    int32_t used = 0;
    double marks[4];
    long i;
    coopseg_status status = coopseg_dataset_new(&dataset);
    marks[0] = seconds_now();
    for (i = 0; i < count; i++) {
        versions += coopseg_abi_version();
    }
    marks[1] = seconds_now();
    for (i = 0; i < count && status == COOPSEG_OK; i++) {
        status = coopseg_dataset_count(dataset, &cases);
    }
    marks[2] = seconds_now();
    for (i = 0; i < count && status == COOPSEG_OK; i++) {
        status = coopseg_threads(&used);
    }
    marks[3] = seconds_now();
    coopseg_dataset_free(dataset);
    if (!refused(status)) {
        double scale = 1e9 / (double)count;
        printf("{\"plain_ns\": %.3f, \"handle_ns\": %.3f, \"libtorch_ns\": %.3f, \"sum\": %u}\n",
               (marks[1] - marks[0]) * scale, (marks[2] - marks[1]) * scale, (marks[3] - marks[2]) * scale,
               (unsigned)versions);
    }
}

typedef struct command {
    const char *name;
    int arguments;
    void (*run)(char **arguments);
} command;

static const command COMMANDS[] = {
    {"about", 0, about},
    {"devices", 0, devices},
    {"schema", 1, schema},
    {"threads", 1, threads},
    {"load", 1, load},
    {"import", 2, import},
    {"save", 1, save},
    {"learn", 3, learn},
    {"heart", 3, heart},
    {"image", 4, take_image},
    {"segmenter", 1, make_segmenter},
    {"segment", 0, segment},
    {"results", 2, results},
    {"segment_file", 2, segment_file},
    {"trainer", 1, make_trainer},
    {"batch", 5, take_batch},
    {"step", 1, step},
    {"concurrent", 2, concurrent},
    {"calls", 1, calls},
};

static void obey(char *line)
{
    char *fields[MOST_ARGUMENTS + 1] = {NULL};
    int count = 0;
    size_t i;
    char *tab;
    line[strcspn(line, "\n")] = '\0';
    while (count <= MOST_ARGUMENTS) {
        fields[count++] = line;
        tab = strchr(line, '\t');
        if (tab == NULL) {
            break;
        }
        *tab = '\0';
        line = tab + 1;
    }
    for (i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        if (strcmp(fields[0], COMMANDS[i].name) == 0 && COMMANDS[i].arguments == count - 1) {
            COMMANDS[i].run(fields + 1);
            return;
        }
    }
    failed("no command has this name and number of arguments");
}

int main(void)
{
    static char line[LONGEST_LINE];
    while (fgets(line, sizeof line, stdin) != NULL) {
        obey(line);
        fflush(stdout);
    }
    coopseg_segmenter_free(segmenter);
    coopseg_trainer_free(trainer);
    coopseg_model_free(model);
    free(image_voxels);
    free(label_voxels);
    free(batch_images);
    free(batch_labels);
    return 0;
}
