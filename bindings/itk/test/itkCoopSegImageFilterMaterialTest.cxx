// Trains a small model for the other tests and writes an image that lies obliquely in space.
#include "itkCoopSegTesting.h"

#include <cmath>

using namespace CoopSegTesting;

int
itkCoopSegImageFilterMaterialTest(int argc, char * argv[])
{
  return Run(argc, argv, [] {
    const auto hearts =
      coopseg::Dataset::synthetic(R"({"subjects": 6, "slices": 4, "size": [64, 48], "seed": 3})");
    coopseg::Trainer trainer(R"({
        "network": {"width": 4}, "slices_per_step": 4, "epochs": 5, "seed": 1,
        "preprocess": {"spacing": null, "pad": [64, 64], "crop": [48, 48]},
        "optimizer": {"learning_rate": 0.005}
    })",
                             &hearts);
    trainer.run();
    trainer.save_best(ModelFile);

    coopseg::Model(R"({
        "network": {"width": 2, "channels": 2}, "seed": 4,
        "preprocess": {"spacing": null, "pad": [48, 48], "crop": [32, 32]}
    })")
      .save(TwoChannelModelFile);

    const coopseg::LoadedCase heart = hearts.load(0, 4);
    const double              c = std::cos(0.4);
    const double              s = std::sin(0.4);
    heart.image.image()
      .with_origin({ -12.5, 30.25, 7.0 })
      .with_direction({ c, -s * c, s * s, s, c * c, -s * c, 0.0, s, c })
      .write(ImageFile);
  });
}
