"""TorchIO computes the same artefacts for the same parameters, and draws them from the same ranges.

Runs where TorchIO 0.20 and torch can be imported (requirements-torchio.txt).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import coopseg
import numpy as np
import pytest

AXES = ("x", "y", "z")
#: Of the range of intensities.
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def tio(torch: Any) -> Any:
    return pytest.importorskip("torchio", exc_type=ImportError)


def oblique() -> np.ndarray:
    a = 0.4
    affine = np.eye(4)
    affine[:3, :3] = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) * (1.5, 1.25, 8.0)
    affine[:3, 3] = -38.0, -41.0, 12.0
    return affine


@pytest.fixture(scope="module")
def heart() -> coopseg.Image:
    """A synthetic heart of 57×48×8 voxels on an oblique grid, indexed [x, y, z]."""
    image, _ = coopseg.Dataset.synthetic(subjects=1, slices=8, size=[57, 48]).load(0, 4)
    return coopseg.Image.from_affine(np.ascontiguousarray(image.voxels.T), oblique())


def transform_of(tio: Any, parameters: dict[str, Any]) -> Any:
    """TorchIO's transform with the parameters that coopseg says it applied."""
    ((name, given),) = [item for item in parameters.items() if item[0] != "rescale"]
    if name == "bias_field":
        return tio.BiasField(coefficients=given["coefficients"], order=given["order"])
    if name == "ghosting":
        return tio.Ghosting(given["ghosts"], AXES.index(given["axis"]), given["intensity"], given["restore"])
    if name == "motion":
        times, degrees, translation = (
            np.array([movement[key] for movement in given["movements"]]) for key in ("time", "degrees", "translation")
        )
        return tio.Motion(degrees=degrees, translation=translation, times=times, image_interpolation="linear")
    if name == "spike":
        return tio.Spike(np.array(given["positions"]), given["intensity"])
    if name == "blur":
        return tio.Blur(given["sigmas"])
    if name == "gamma":
        return tio.Gamma(given["gamma"])
    assert name == "downsampling"
    return tio.RandomAnisotropy(AXES.index(given["axis"]), (given["factor"], given["factor"]))


def by_torchio(
    tio: Any, torch: Any, image: coopseg.Image, affine: np.ndarray, parameters: dict[str, Any]
) -> np.ndarray:
    given = tio.ScalarImage(tensor=torch.from_numpy(np.array(image.voxels))[None], affine=affine)
    return transform_of(tio, parameters)(given).numpy()[0]


def compare(found: np.ndarray, expected: np.ndarray, image: np.ndarray) -> None:
    assert found.shape == expected.shape
    difference = np.abs(found - expected).max() / (image.max() - image.min())
    assert difference < TOLERANCE, difference
    assert np.abs(found - image).max() > 10 * np.abs(found - expected).max()


CASES = [
    {"bias_field": {}},
    {"bias_field": {"order": 5, "range": 0.2}},
    {"bias_field": {"severity": 5}},
    {"ghosting": {}},
    {"ghosting": {"axis": "y", "ghosts": 3, "restore": 0.3}},
    {"ghosting": {"axis": "z", "ghosts": 2, "severity": 5}},
    {"motion": {}},
    {"motion": {"degrees": 30, "translation": 10}},
    {"motion": {"severity": 1, "number": 4}},
    {"spike": {}},
    {"spike": {"number": 5, "intensity": -0.5}},
    {"blur": {}},
    {"blur": {"sigmas": [3.0, 0.0, 12.0]}},
]


@pytest.mark.filterwarnings("ignore:Casting complex values to real")
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("artefact", CASES, ids=str)
def test_the_same_parameters_make_the_same_image(tio, torch, heart, artefact: dict[str, Any], seed: int) -> None:
    simulated = coopseg.simulate_artefact(heart, artefact, seed=seed)
    expected = by_torchio(tio, torch, heart, oblique(), simulated.parameters)
    compare(simulated.image.voxels, expected, heart.voxels)


@pytest.mark.filterwarnings("ignore:Casting complex values to real")
@pytest.mark.parametrize("name", ["bias_field", "ghosting", "spike", "blur", "gamma"])
def test_a_single_slice(tio, torch, heart, name: str) -> None:
    voxels = heart.voxels[..., 4] - heart.voxels[..., 4].min()
    middle = coopseg.Image.from_affine(voxels / voxels.max(), oblique(), axes="xy")
    simulated = coopseg.simulate_artefact(middle, name, seed=6)
    given = tio.ScalarImage(tensor=torch.from_numpy(middle.voxels.copy())[None, ..., None], affine=oblique())
    expected = transform_of(tio, simulated.parameters)(given).numpy()[0, ..., 0]
    compare(simulated.image.voxels, expected, middle.voxels)


@pytest.mark.parametrize("gamma", [0.7, 1.4])
def test_gamma_of_an_image_in_0_to_1(tio, torch, heart, gamma: float) -> None:
    voxels = (heart.voxels - heart.voxels.min()) / np.ptp(heart.voxels)
    scaled = coopseg.Image.from_affine(voxels, oblique())
    simulated = coopseg.simulate_artefact(scaled, "gamma", gamma=gamma)
    compare(simulated.image.voxels, by_torchio(tio, torch, scaled, oblique(), simulated.parameters), voxels)


@pytest.mark.parametrize(
    ("axis", "factor"), [("x", 3.0), ("x", 2.2), ("x", 4.7), ("y", 2.0), ("y", 4.0), ("y", 3.3), ("z", 4.0), ("z", 2.9)]
)
def test_downsampling_but_for_the_borders(tio, torch, heart, axis: str, factor: float) -> None:
    # Even factors sample between two voxels: only on an exact grid TorchIO, too, always takes the later one.
    affine = np.diag([-1.5, -1.25, 8.0, 1.0])
    image = coopseg.Image.from_affine(heart.voxels, affine)
    simulated = coopseg.simulate_artefact(image, "downsampling", axis=axis, factor=factor)
    expected = by_torchio(tio, torch, image, affine, simulated.parameters)
    length = heart.voxels.shape[AXES.index(axis)]
    samples = int(length / factor + 1e-6)
    # In TorchIO the image is 0 where no sample reaches.
    reached = np.abs(np.arange(length) - (length - 1) / 2) < samples * factor / 2 - 1e-6
    assert reached.sum() >= samples
    found, expected, image = (
        np.compress(reached, voxels, AXES.index(axis)) for voxels in (simulated.image.voxels, expected, heart.voxels)
    )
    compare(found, expected, image)


def test_noise_is_as_strong(tio, torch, heart) -> None:
    spread = np.ptp(heart.voxels)
    ours = coopseg.simulate_artefact(heart, "noise", std=0.1, seed=5).image.voxels - heart.voxels
    given = tio.ScalarImage(tensor=torch.from_numpy(np.array(heart.voxels))[None])
    theirs = tio.Noise(mean=0.0, std=float(0.1 * spread), seed=5)(given).numpy()[0] - heart.voxels
    for noise in (ours, theirs):
        assert noise.std() == pytest.approx(0.1 * spread, rel=0.02)
        assert abs(noise.mean()) < 0.002 * spread


def test_the_default_ranges_are_torchios(tio, heart) -> None:
    bias, ghosting, motion, spike = tio.RandomBiasField(), tio.RandomGhosting(), tio.RandomMotion(), tio.RandomSpike()
    assert (bias.order, ghosting.axes, ghosting.restore) == (3, (0, 1, 2), None)
    assert (motion.num_transforms, spike.num_spikes_range) == (2, (1, 1))
    anisotropy = tio.RandomAnisotropy()
    assert anisotropy.axes == (0, 1, 2)
    small = coopseg.Image(np.arange(64.0, dtype=np.float32).reshape(4, 4, 4), (1, 1, 1))

    def drawn(name: str, value: Callable[[dict[str, Any]], Any]) -> np.ndarray:
        values = [value(coopseg.simulate_artefact(small, name, seed=seed).parameters[name]) for seed in range(300)]
        return np.ravel(values)

    for values, (least, greatest) in [
        (drawn("bias_field", lambda given: given["coefficients"]), bias.coefficients_range),
        (drawn("ghosting", lambda given: given["intensity"]), ghosting.intensity_range),
        (drawn("ghosting", lambda given: given["ghosts"]), ghosting.num_ghosts_range),
        (drawn("motion", lambda given: [movement["degrees"] for movement in given["movements"]]), motion.degrees_range),
        (
            drawn("motion", lambda given: [movement["translation"] for movement in given["movements"]]),
            motion.translation_range,
        ),
        (drawn("spike", lambda given: given["intensity"]), spike.intensity_range),
        (drawn("noise", lambda given: given["std"]), tio.RandomNoise().std_range),
        (drawn("blur", lambda given: given["sigmas"]), tio.RandomBlur().std_ranges[:2]),
        (np.log(drawn("gamma", lambda given: given["gamma"])), tio.RandomGamma().log_gamma_range),
        (drawn("downsampling", lambda given: given["factor"]), anisotropy.downsampling_range),
    ]:
        margin = 0.05 * (greatest - least)
        assert least <= values.min() < least + margin and greatest - margin < values.max() <= greatest
        assert values.mean() == pytest.approx((least + greatest) / 2, abs=margin)
    assert set(drawn("ghosting", lambda given: given["axis"])) == set(AXES)
    assert set(drawn("downsampling", lambda given: given["axis"])) == set(AXES)
