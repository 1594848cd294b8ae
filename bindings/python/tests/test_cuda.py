"""Arrays in CUDA memory: how they are described, on any machine, and that they give the CPU's numbers where there is CUDA."""

from __future__ import annotations

from typing import Any

import coopseg
import numpy as np
import pytest
from conftest import NX, NY, NZ, SMALL, SPACING
from coopseg import _cuda, _native
from coopseg.segmenter import OUTPUTS

NOWHERE = 77
"""A device that no machine has."""


class Namespace:
    """A library of arrays on a GPU."""

    uint8, float32 = "uint8", "float32"

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    def empty(self, shape: tuple[int, ...], dtype: str, device: int) -> OnGpu:
        self.made.append((shape, dtype, device))
        return OnGpu(np.empty(shape, dtype))


class OnGpu:
    """An array that says it lies on a GPU."""

    def __init__(self, array: np.ndarray, library: Namespace | None = None, **interface: Any) -> None:
        self.array = array
        self.device = NOWHERE
        self.__cuda_array_interface__ = {**array.__array_interface__, "version": 3, **interface}
        if library is not None:
            self.__array_namespace__ = lambda: library

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.device


class OnCudaAlone:
    """An array without DLPack."""

    def __init__(self, array: np.ndarray) -> None:
        self.__cuda_array_interface__ = {**array.__array_interface__, "version": 3}


@pytest.fixture
def voxels() -> np.ndarray:
    return np.arange(NX * NY * NZ, dtype=np.int16).reshape(NZ, NY, NX)


def test_an_image_says_where_it_lies(voxels) -> None:
    there = OnGpu(voxels)
    image = coopseg.Image(there, SPACING)
    assert image.voxels is there and image.on_gpu and image.size == (NX, NY, NZ)
    assert "int16 on cuda:77" in repr(image)
    told = image._describe()
    assert (told.memory, told.device_index) == (_native.MEMORY_CUDA, NOWHERE)
    assert told.data == voxels.ctypes.data and told.data_size == voxels.nbytes
    assert list(told.shape) == [NX, NY, NZ] and list(told.strides) == [2, 2 * NX, 2 * NX * NY]

    told = coopseg.Image(OnGpu(voxels.T), SPACING, axes="xyz")._describe()
    assert list(told.shape) == [NX, NY, NZ] and list(told.strides) == [2, 2 * NX, 2 * NX * NY]
    told = coopseg.Image(OnGpu(voxels > 7), SPACING)._describe()
    assert told.dtype == _native.DTYPES["u", 1]

    on_host = coopseg.Image(voxels, SPACING)
    assert not on_host.on_gpu and on_host._describe().memory == _native.MEMORY_HOST


def test_it_goes_to_the_device_and_results_are_made_there(segmenter, voxels) -> None:
    library = Namespace()
    for image, spacing in (
        (OnGpu(voxels, library), SPACING),
        (OnGpu(voxels[None], library), SPACING),
        (coopseg.Image(OnGpu(voxels, library), SPACING), None),
        ([OnGpu(voxels, library)], SPACING),
    ):
        library.made.clear()
        with pytest.raises(coopseg.DeviceUnavailableError, match="cuda:77"):
            segmenter.segment(image, ("labels", "probabilities"), spacing=spacing)
        assert library.made == [((NZ, NY, NX), "uint8", NOWHERE), ((4, NZ, NY, NX), "float32", NOWHERE)]
    with pytest.raises(coopseg.InvalidArgumentError, match="into="):
        segmenter.segment(OnGpu(voxels), spacing=SPACING)
    into = {"labels": np.empty(voxels.shape, np.uint8)}
    with pytest.raises(coopseg.DeviceUnavailableError, match="cuda:77"):
        segmenter.segment(OnGpu(voxels), (), into=into, spacing=SPACING)
    into = {"labels": OnGpu(np.empty(voxels.shape, np.uint8))}
    with pytest.raises(coopseg.DeviceUnavailableError, match="outputs->labels.*cuda:77"):
        segmenter.segment(voxels, (), into=into, spacing=SPACING)


def test_what_c_could_not_read_there_is_refused(voxels) -> None:
    for bad, words in (
        (voxels[::-1], "not negative"),
        (voxels.astype(">i2"), "byte order"),
        (voxels.astype(np.float16), "float16"),
        (np.broadcast_to(voxels[:1, :1, :1], voxels.shape), "repeated"),
    ):
        with pytest.raises(coopseg.InvalidArgumentError, match=words):
            coopseg.Image(OnGpu(bad), SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match="masked"):
        coopseg.Image(OnGpu(voxels, mask=voxels), SPACING)

    class Broken:
        @property
        def __cuda_array_interface__(self) -> None:
            raise RuntimeError("requires grad")

    with pytest.raises(coopseg.InvalidArgumentError, match="Broken cannot be read.*requires grad"):
        coopseg.Image(Broken(), SPACING)


def test_functions_of_the_host_say_so(voxels, tmp_path) -> None:
    with pytest.raises(coopseg.InvalidArgumentError, match="cuda:77; this function takes memory of the host"):
        coopseg.Image(OnGpu(voxels), SPACING).write(tmp_path / "image.nii")
    with pytest.raises(coopseg.InvalidArgumentError, match="host"):
        coopseg.simulate_artefact(OnGpu(voxels), "noise", spacing=SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match="`reference`.*host"):
        coopseg.dice(OnGpu(voxels), OnGpu(voxels), classes=4)
    with pytest.raises(coopseg.InvalidArgumentError, match="only Segmenter.segment takes"):
        coopseg.Trainer(SMALL).step_batch(OnCudaAlone(voxels), voxels)


def test_streams_are_waited_for(voxels, monkeypatch) -> None:
    waited = []

    class Driver:
        status = 0

        def cuStreamSynchronize(self, stream: Any) -> int:
            waited.append(stream.value)
            return self.status

    monkeypatch.setattr(_cuda.ctypes, "CDLL", lambda name: Driver())
    for stream in (None, 1, 2, 0x5000):
        coopseg.Image(OnGpu(voxels, stream=stream), SPACING)
    assert waited == [2, 0x5000]
    monkeypatch.setattr(Driver, "status", 709)
    with pytest.raises(coopseg.DeviceUnavailableError, match="709"):
        coopseg.Image(OnGpu(voxels, stream=2), SPACING)


def test_every_device_gives_the_numbers_of_the_cpu(model, image) -> None:
    import torch

    given = torch.from_numpy(image)
    expected = coopseg.Segmenter(model, device="cpu").segment(given, OUTPUTS, spacing=SPACING)
    for device in coopseg.devices()["devices"]:
        there = coopseg.Segmenter(model, device=device)
        found = there.segment(given.to(device), OUTPUTS, spacing=SPACING)
        for name in OUTPUTS:
            result = getattr(found, name)
            if device != "cpu":
                assert result.device == torch.device(device)
                result = result.cpu().numpy()
            wrong = np.abs(result.astype(np.float64) - getattr(expected, name)) > 1e-4
            assert wrong.mean() <= (1e-4 if "labels" in name else 0.0), f"{name} on {device}"
        if device != "cpu":
            stream = torch.cuda.Stream(device)
            with torch.cuda.stream(stream):
                again = there.segment(given.to(device), ("labels",), spacing=SPACING)
                assert torch.cuda.current_stream(device) == stream
            assert torch.equal(again.labels, found.labels)
