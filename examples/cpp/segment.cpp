// Segments an image in memory, as a program with images of its own does, and says how sure the model is.
//
//     segment MODEL IMAGE LABELS
//
// MODEL is a model file, IMAGE a NIfTI file, LABELS the NIfTI file to write. Prints the volume and the mean entropy
// of every class.
//
// Exit code: 0 when everything worked; 1 when something failed.
#include <coopseg/coopseg.hpp>

#include <cstdio>
#include <map>

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s MODEL IMAGE LABELS\n", argv[0]);
        return 1;
    }
    try {
        const coopseg::Segmenter segmenter(coopseg::Model::load(argv[1]));
        const auto volume = coopseg::Volume::read(argv[2]);
        const coopseg::ImageView image = volume.image();

        std::vector<std::uint8_t> labels(image.shape().count());
        std::vector<float> entropy(labels.size());
        coopseg::SegmentationMaps maps;
        maps.labels = coopseg::BufferView(labels, image.shape());
        maps.entropy = coopseg::BufferView(entropy, image.shape());
        segmenter.run(image, maps);

        // The labels lie where the image lies.
        coopseg::ImageView(labels, image.shape(), image.spacing())
            .with_origin(image.origin())
            .with_direction(image.direction())
            .write(argv[3]);

        struct Sum {
            double voxels = 0, entropy = 0;
        };
        std::map<int, Sum> sums;
        for (std::size_t voxel = 0; voxel < labels.size(); voxel++) {
            sums[labels[voxel]].voxels += 1;
            sums[labels[voxel]].entropy += static_cast<double>(entropy[voxel]);
        }
        const auto [x, y, z] = image.spacing();
        for (const auto &[label, sum] : sums) {
            std::printf("class %d: %.1f ml, entropy %.3f nats\n", label, sum.voxels * x * y * z / 1000,
                        sum.entropy / sum.voxels);
        }
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
        return 1;
    }
}
