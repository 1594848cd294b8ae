// Artefacts, with the numbers of the C function.
#include "check.hpp"

static void artefacts()
{
    const Scene scene;
    const coopseg::Shape shape{NX, NY, NZ};
    std::vector<float> spoiled(VOXELS), expected(VOXELS);
    std::vector<double> again(VOXELS);
    const std::string parameters = coopseg::simulate_artefact(
        scene.image_view(), R"({"ghosting": {"severity": 4, "axis": "x"}})", 9, {spoiled, shape});
    CHECK(holds(parameters, "\"ghosts\"") && holds(parameters, "\"axis\": \"x\""));

    const coopseg_image image = describe(COOPSEG_F32, scene.image.data());
    const coopseg_buffer output = buffer_for(COOPSEG_F32, 3, 0, expected.data(), VOXELS * sizeof(float));
    char *c_parameters = nullptr;
    CHECK_OK(coopseg_artefact_simulate(&image, "{\"ghosting\": {\"severity\": 4, \"axis\": \"x\"}}", 9, &output,
                                       &c_parameters));
    CHECK(spoiled == expected && parameters == c_parameters && spoiled != scene.image);
    CHECK_OK(coopseg_string_free(c_parameters));

    CHECK(coopseg::simulate_artefact(scene.image_view(), parameters, 0, {again, shape}) == parameters);
    CHECK(std::equal(again.begin(), again.end(), spoiled.begin()));

    CHECK_THROWS(invalid_config, "goasting",
                 coopseg::simulate_artefact(scene.image_view(), R"({"goasting": {}})", 0, {spoiled, shape}));
    CHECK_THROWS(invalid_shape, "output",
                 coopseg::simulate_artefact(scene.image_view(), R"({"noise": {}})", 0, {spoiled, {NX, NY, 2}}));
    CHECK_THROWS(invalid_argument, "zero byte",
                 coopseg::simulate_artefact(scene.image_view(), std::string_view("{}\0", 3), 0, {spoiled, shape}));
    CHECK(holds(coopseg::config_schema("artefact"), "\"downsampling\""));
}

int main()
{
    return run_test(artefacts);
}
