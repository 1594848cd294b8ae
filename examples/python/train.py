"""Trains on synthetic hearts from scanner A, and evaluates on hearts from scanner B.

    python train.py OUTPUT [MINUTES]

Ctrl-C stops the training; the best model so far is kept and evaluated.
"""

import sys
from pathlib import Path

import coopseg

# Small networks on a coarse grid, so that two processor cores learn the task in minutes.
CONFIG = {
    "network": {"width": 8},
    "preprocess": {"spacing": [2.0, 2.0], "pad": [80, 80], "crop": [64, 64]},
    "optimizer": {"learning_rate": 0.002},
    "slices_per_step": 8,
    "epochs": 1000,
    "seed": 1,
}


def main(output: str, minutes: float) -> None:
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    hearts = coopseg.Dataset.synthetic(scanner="A", subjects=12, seed=1)
    training, validation = hearts.split(fraction=0.25)
    trainer = coopseg.Trainer(CONFIG, training, validation, max_minutes=minutes)
    try:
        trainer.run(progress=True)
    except KeyboardInterrupt:
        print("interrupted; the best model so far is kept")
    trainer.save_best(folder / "model.coopseg")
    trainer.save_report(folder / "report.html")

    unseen = coopseg.Dataset.synthetic(scanner="B", subjects=3, seed=2)
    evaluation = coopseg.evaluate(trainer.best_model(), unseen, progress=True)
    evaluation.save_csv(folder / "evaluation.csv")
    for stage in ("fast", "refined"):
        print(f"mean Dice on scanner B, {stage}: {evaluation.to_dict()['summary'][stage]['mean']['dice']['mean']:.3f}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) == 3 else 2.0)
