"""Segments a NIfTI image with nibabel: labels, and where the model is uncertain.

    python segment.py MODEL IMAGE LABELS ENTROPY
"""

import sys

import coopseg
import nibabel
import numpy as np


def main(model_file: str, image_file: str, labels_file: str, entropy_file: str) -> None:
    image = nibabel.load(image_file)
    with coopseg.Model.load(model_file) as model, coopseg.Segmenter(model) as segmenter:
        result = segmenter.segment(image, ["labels", "entropy"])
        nibabel.save(result.labels, labels_file)
        nibabel.save(result.entropy, entropy_file)
        counts = np.bincount(np.asarray(result.labels.dataobj).ravel(), minlength=len(model.class_names))
        millilitres = counts * np.prod(image.header.get_zooms()[:3]) / 1000
        for name, volume in zip(model.class_names[1:], millilitres[1:]):
            print(f"{name}: {volume:.1f} ml")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
