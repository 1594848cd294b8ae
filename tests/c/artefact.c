/* Artefacts: what is drawn, what comes back, what is refused. */
#include "check.h"

#define VOXELS (NX * NY * NZ)

static float image[VOXELS];
static unsigned char labels[VOXELS];

static const char *const names[] = {"bias_field", "ghosting", "motion", "spike",
                                    "noise",      "blur",     "gamma",  "downsampling"};
enum { NAMES = sizeof names / sizeof names[0] };

static coopseg_buffer output_for(float *voxels)
{
    return buffer_for(COOPSEG_F32, 3, 0, voxels, VOXELS * sizeof *voxels);
}

static double change(const float *a, const float *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += fabs((double)a[i] - (double)b[i]);
    }
    return sum / (double)count;
}

/* The parameters that come back reproduce the output bit for bit, whatever the seed. */
static void repeatable(void)
{
    static float first[VOXELS], second[VOXELS], other[VOXELS];
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer outputs[3] = {output_for(first), output_for(second), output_for(other)};
    for (int i = 0; i < NAMES; i++) {
        char json[64];
        char *parameters = NULL, *again = NULL;
        snprintf(json, sizeof json, "{\"%s\": {}}", names[i]);
        CHECK_OK(coopseg_artefact_simulate(&view, json, 5, &outputs[0], &parameters));
        CHECK_OK(coopseg_artefact_simulate(&view, json, 5, &outputs[1], NULL));
        CHECK(memcmp(first, second, sizeof first) == 0);
        CHECK_OK(coopseg_artefact_simulate(&view, json, 6, &outputs[2], NULL));
        CHECK(memcmp(first, other, sizeof first) != 0 && change(first, image, VOXELS) > 0.0);
        CHECK(strstr(parameters, names[i]) != NULL && strstr(parameters, "severity") == NULL);
        memset(second, 0, sizeof second);
        CHECK_OK(coopseg_artefact_simulate(&view, parameters, 77, &outputs[1], &again));
        CHECK(memcmp(first, second, sizeof first) == 0 && strcmp(parameters, again) == 0);
        CHECK_OK(coopseg_string_free(parameters));
        CHECK_OK(coopseg_string_free(again));
    }
}

/* On a synthetic heart the mean change grows with the severity. */
static void severities(void)
{
    coopseg_dataset *hearts = NULL;
    coopseg_volume *heart = NULL;
    coopseg_image view;
    float *spoiled;
    size_t count;
    coopseg_buffer output;
    CHECK_OK(coopseg_dataset_synthetic("{\"subjects\": 1, \"slices\": 6, \"size\": [64, 60]}", &hearts));
    CHECK_OK(coopseg_dataset_load(hearts, 0, 4, &heart, NULL));
    memset(&view, 0, sizeof view);
    CHECK_OK(coopseg_volume_image(heart, &view));
    count = (size_t)(view.shape[0] * view.shape[1] * view.shape[2]);
    spoiled = (float *)malloc(count * sizeof *spoiled);
    if (spoiled == NULL) {
        exit(1);
    }
    output = buffer_for(COOPSEG_F32, 3, 1, spoiled, count * sizeof *spoiled);
    memcpy(output.shape, view.shape, sizeof view.shape);
    for (int i = 0; i < NAMES; i++) {
        double before = 0.0;
        for (int severity = 1; severity <= 5; severity++) {
            double mean = 0.0;
            for (uint64_t seed = 0; seed < 6; seed++) {
                char json[64];
                snprintf(json, sizeof json, "{\"%s\": {\"severity\": %d}}", names[i], severity);
                CHECK_OK(coopseg_artefact_simulate(&view, json, seed, &output, NULL));
                mean += change((const float *)view.data, spoiled, count) / 6.0;
            }
            if (!(mean > before)) {
                fprintf(stderr, "%s, severity %d: %g after %g\n", names[i], severity, mean, before);
                failures++;
            }
            before = mean;
        }
    }
    free(spoiled);
    CHECK_OK(coopseg_volume_free(heart));
    CHECK_OK(coopseg_dataset_free(hearts));
}

/* Known values: ghosts of all frequencies but the centre, a constant field, a given contrast, a scaled image. */
static void known_values(void)
{
    static float spoiled[VOXELS];
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer output = output_for(spoiled);
    double sum;
    float least = 1e9F, greatest = -1e9F;
    const char *json = "{\"ghosting\": {\"ghosts\": 1, \"axis\": \"y\", \"intensity\": 1, \"restore\": null}}";
    CHECK_OK(coopseg_artefact_simulate(&view, json, 0, &output, NULL));
    /* Every line along y is its mean. */
    for (int x = 0; x < NX; x++) {
        sum = 0.0;
        for (int y = 0; y < NY; y++) {
            sum += image[y * NX + x];
        }
        CHECK(fabs(spoiled[x] - sum / NY) < 1e-3 && fabs(spoiled[(NY - 1) * NX + x] - sum / NY) < 1e-3);
    }
    json = "{\"bias_field\": {\"order\": 0, \"coefficients\": [0.5]}}";
    CHECK_OK(coopseg_artefact_simulate(&view, json, 0, &output, NULL));
    for (int i = 0; i < VOXELS; i++) {
        least = image[i] < least ? image[i] : least;
        greatest = image[i] > greatest ? image[i] : greatest;
        CHECK(fabs(spoiled[i] - image[i] * exp(0.5)) < 1e-3);
    }
    CHECK_OK(coopseg_artefact_simulate(&view, "{\"gamma\": {\"gamma\": 2}, \"rescale\": true}", 0, &output, NULL));
    for (int i = 0; i < VOXELS; i++) {
        double share = (image[i] - least) / (greatest - least);
        CHECK(fabs(spoiled[i] - share * share) < 1e-5);
    }
}

/* Other types, layouts, and 2-D images. */
static void layouts(void)
{
    static float first[VOXELS];
    static double second[VOXELS];
    static short shorts[VOXELS];
    static float plane[NX * NY];
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer output = output_for(first);
    const char *json = "{\"motion\": {\"severity\": 2}}";
    CHECK_OK(coopseg_artefact_simulate(&view, json, 3, &output, NULL));
    for (int i = 0; i < VOXELS; i++) {
        shorts[i] = (short)image[i];
    }
    view = describe(COOPSEG_I16, shorts);
    output = buffer_for(COOPSEG_F64, 3, 0, second, sizeof second);
    /* z fastest. */
    output.strides[0] = 8 * NY * NZ;
    output.strides[1] = 8 * NZ;
    output.strides[2] = 8;
    CHECK_OK(coopseg_artefact_simulate(&view, json, 3, &output, NULL));
    for (int z = 0; z < NZ; z++) {
        for (int y = 0; y < NY; y++) {
            for (int x = 0; x < NX; x++) {
                CHECK(second[(x * NY + y) * NZ + z] == (double)first[(z * NY + y) * NX + x]);
            }
        }
    }
    view = describe(COOPSEG_F32, image);
    view.ndim = 2;
    view.shape[2] = 0;
    view.spacing[2] = 0.0;
    output = buffer_for(COOPSEG_F32, 2, 0, plane, sizeof plane);
    for (int i = 0; i < NAMES; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"%s\": {}}", names[i]);
        CHECK_OK(coopseg_artefact_simulate(&view, text, 1, &output, NULL));
        CHECK(change(plane, image, NX * NY) > 0.0);
    }
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "`ghosting.axis` is \"z\"",
                coopseg_artefact_simulate(&view, "{\"ghosting\": {\"axis\": \"z\"}}", 0, &output, NULL));
}

static void refusals(void)
{
    static float spoiled[VOXELS], broken[VOXELS];
    static short shorts[VOXELS];
    coopseg_image view = describe(COOPSEG_F32, image), bad;
    coopseg_buffer output = output_for(spoiled), other;
    char *parameters = NULL;
    const char *const refused[][2] = {
        {"", "no artefact is named"},
        {"[]", "a JSON object"},
        {"{\"ghosting\": ", "JSON"},
        {"{\"goasting\": {}}", "goasting"},
        {"{\"ghosting\": {}, \"motion\": {}}", "`ghosting` and `motion`"},
        {"{\"ghosting\": {\"ghost\": 4}}", "`ghost`"},
        {"{\"ghosting\": {\"ghosts\": \"many\"}}", "`ghosting.ghosts`"},
        {"{\"ghosting\": {\"severity\": 9}}", "`ghosting.severity` is 9"},
        {"{\"ghosting\": {\"intensity\": [1, 0.5]}}", "`ghosting.intensity`"},
        {"{\"spike\": {\"positions\": [[0.5, 0.5, 1]]}}", "`spike.positions[0][2]` is 1"},
        {"{\"motion\": {\"degrees\": 5, \"movements\": []}}", "`motion.degrees`"},
        {"{\"noise\": {\"std\": -1}}", "`noise.std` is -1"},
        {"{\"gamma\": {\"gamma\": 1e999}}", "JSON"},
        {"{\"blur\": {}, \"rescale\": \"yes\"}", "`rescale`"},
    };
    const char *json = "{\"ghosting\": {}}";
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CHECK_FAILS(COOPSEG_INVALID_CONFIG, refused[i][1],
                    coopseg_artefact_simulate(&view, refused[i][0], 0, &output, &parameters));
    }
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "a time is 0.2",
                coopseg_artefact_simulate(&view, "{\"motion\": {\"movements\": [{\"time\": 0.5}, {\"time\": 0.2}]}}", 0,
                                          &output, &parameters));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "expected 20",
                coopseg_artefact_simulate(&view, "{\"bias_field\": {\"coefficients\": [1]}}", 0, &output, &parameters));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "fits 32-bit",
                coopseg_artefact_simulate(&view, "{\"bias_field\": {\"order\": 0, \"coefficients\": [99]}}", 0, &output,
                                          &parameters));

    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "image", coopseg_artefact_simulate(NULL, json, 0, &output, NULL));
    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "artefact_json", coopseg_artefact_simulate(&view, NULL, 0, &output, NULL));
    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "output", coopseg_artefact_simulate(&view, json, 0, NULL, &parameters));

#define REFUSE_IMAGE(status, words, change)                                                                  \
    do {                                                                                                     \
        bad = view;                                                                                          \
        change;                                                                                              \
        CHECK_FAILS(status, words, coopseg_artefact_simulate(&bad, json, 0, &output, &parameters));          \
    } while (0)
    REFUSE_IMAGE(COOPSEG_INVALID_STRUCT_SIZE, "image->struct_size", bad.struct_size = 3);
    REFUSE_IMAGE(COOPSEG_INVALID_ARGUMENT, "dtype", bad.dtype = 77);
    REFUSE_IMAGE(COOPSEG_INVALID_SHAPE, "image", bad.shape[0] = 0);
    REFUSE_IMAGE(COOPSEG_INVALID_GEOMETRY, "image", bad.spacing[1] = NAN);
    REFUSE_IMAGE(COOPSEG_INVALID_SHAPE, "overlap", bad.data = spoiled);

#define REFUSE_OUTPUT(status, words, change)                                                                 \
    do {                                                                                                     \
        other = output;                                                                                      \
        change;                                                                                              \
        CHECK_FAILS(status, words, coopseg_artefact_simulate(&view, json, 0, &other, &parameters));          \
    } while (0)
    REFUSE_OUTPUT(COOPSEG_INVALID_STRUCT_SIZE, "output->struct_size", other.struct_size = 3);
    REFUSE_OUTPUT(COOPSEG_INVALID_ARGUMENT, "output", other.data = NULL);
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "output", other.shape[2] = NZ - 1);
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "output", other.data_size = 8);
    REFUSE_OUTPUT(COOPSEG_INVALID_ARGUMENT, "expected f32 or f64",
                  (other.dtype = COOPSEG_I16, other.data = shorts, other.data_size = sizeof shorts));
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "overlap", (other.data = image, other.data_size = sizeof image));
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "overlap", (other.data = image + VOXELS / 2));

    for (int i = 0; i < NAMES; i++) {
        char text[64];
        const float values[] = {NAN, INFINITY};
        snprintf(text, sizeof text, "{\"%s\": {}}", names[i]);
        for (int value = 0; value < 2; value++) {
            memcpy(broken, image, sizeof broken);
            broken[7 + NX * (2 + NY)] = values[value];
            view = describe(COOPSEG_F32, broken);
            CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "x 7, y 2, z 1",
                        coopseg_artefact_simulate(&view, text, 0, &output, &parameters));
        }
    }
    CHECK(parameters == NULL);
}

int main(void)
{
    float copy[VOXELS];
    fill(image, labels);
    memcpy(copy, image, sizeof copy);
    repeatable();
    severities();
    known_values();
    layouts();
    refusals();
    CHECK(memcmp(copy, image, sizeof copy) == 0);
    CHECK(coopseg_live_handles() == 0);
    return report();
}
