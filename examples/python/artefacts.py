"""How Dice falls with the severity of artefacts: every labelled case of a dataset, each artefact, severities 1 to 5.

    python artefacts.py MODEL DATA
"""

import sys

import coopseg
import numpy as np

ARTEFACTS = ("bias_field", "ghosting", "motion", "spike", "noise", "blur", "gamma", "downsampling")


def mean_dice(segmenter: coopseg.Segmenter, cases: list, classes: int, **artefact: dict) -> float:
    """Over all cases and the classes without the background; case k gets the artefact of seed k."""
    scores = []
    for seed, (image, reference) in enumerate(cases):
        if artefact:
            image = coopseg.simulate_artefact(image, artefact, seed=seed).image
        scores.extend(coopseg.dice(reference, segmenter.segment(image).labels, classes)[1:])
    return float(np.nanmean(scores))


def main(model_file: str, data: str) -> None:
    with coopseg.Model.load(model_file) as model, coopseg.Segmenter(model) as segmenter:
        classes = len(model.class_names)
        dataset = coopseg.Dataset.open(data)
        labelled = [index for index, case in enumerate(dataset.info()["cases"]) if case["has_labels"]]
        cases = [dataset.load(index, classes) for index in labelled]
        print(f"{'no artefact':12} {mean_dice(segmenter, cases, classes):.3f}")
        for name in ARTEFACTS:
            dice = [mean_dice(segmenter, cases, classes, **{name: {"severity": level}}) for level in range(1, 6)]
            print(f"{name:12} " + " ".join(f"{value:.3f}" for value in dice))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
