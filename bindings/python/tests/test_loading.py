"""Finding and loading the libraries, in processes of their own."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import coopseg
import pytest
from coopseg import errors

TORCH = Path(find_spec("torch").submodule_search_locations[0])

ONE_LIBTORCH = """
import re
paths = {line.split()[-1] for line in open("/proc/self/maps") if re.search(r"/lib(torch_cpu|c10)\\.so", line)}
assert len(paths) == 2, paths
"""
SEGMENT = """
import numpy
model = coopseg.Model({"network": {"width": 2}, "preprocess": {"pad": [48, 48], "crop": [32, 32]}})
image = numpy.arange(32 * 32, dtype="f4").reshape(1, 32, 32)
labels = coopseg.Segmenter(model, device="cpu").segment(image, spacing=(1.4, 1.4, 8)).labels
assert labels.shape == image.shape
"""
USE_TORCH = "assert float(torch.nn.functional.conv2d(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3)).sum()) == 324\n"


def test_import_loads_nothing(python) -> None:
    done = python(
        "import sys, time; import numpy; start = time.perf_counter(); import coopseg;"
        "assert time.perf_counter() - start < 0.5;"
        "assert 'torch' not in sys.modules and 'nibabel' not in sys.modules and 'tqdm' not in sys.modules;"
        "maps = open('/proc/self/maps').read(); assert 'libcoopseg' not in maps and 'libtorch' not in maps"
    )
    assert done.returncode == 0, done.stderr


def test_use_does_not_import_torch(python) -> None:
    done = python("import coopseg, sys\n" + SEGMENT + "assert 'torch' not in sys.modules\n" + ONE_LIBTORCH)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "order",
    [
        "import torch\nimport coopseg\n" + SEGMENT + USE_TORCH,
        "import coopseg\n" + SEGMENT + "import torch\n" + USE_TORCH,
        "import coopseg\nimport torch\n" + USE_TORCH + SEGMENT + USE_TORCH,
    ],
    ids=["torch first", "coopseg first", "torch between import and use"],
)
def test_torch_in_the_same_process_shares_libtorch(python, torch, order: str) -> None:
    told = "assert coopseg.build_info()['libtorch']['folder'] == sys.argv[1]; torch.set_num_threads(1)\n"
    done = python("import sys\n" + order + ONE_LIBTORCH + told + "assert coopseg.threads() == 1", TORCH / "lib")
    assert done.returncode == 0, done.stderr


def test_libtorch_of_another_place(python, tmp_path: Path) -> None:
    (tmp_path / "libtorch").symlink_to(TORCH)
    for given in (tmp_path / "libtorch", tmp_path / "libtorch" / "lib"):
        done = python("import coopseg\n" + SEGMENT, COOPSEG_LIBTORCH=str(given))
        assert done.returncode == 0, done.stderr


def message(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


CAUGHT = """
import coopseg
try:
    coopseg.devices()
except coopseg.LibraryError as error:
    assert isinstance(error, ImportError)
    print(type(error).__name__, error.status, error)
"""


def test_what_is_not_there_is_named(python, tmp_path: Path) -> None:
    assert "COOPSEG_LIBTORCH is /nowhere" in message(python(CAUGHT, COOPSEG_LIBTORCH="/nowhere"))
    told = message(python(CAUGHT, COOPSEG_LIBRARY="/nowhere/libcoopseg.so"))
    assert "LibraryError None libcoopseg.so cannot be loaded" in told and "COOPSEG_LIBRARY names it" in told
    bare = "import os; del os.environ['COOPSEG_LIBRARY']\n"
    assert "name it with COOPSEG_LIBRARY" in message(python(bare + CAUGHT))
    damaged = tmp_path / "lib"
    damaged.mkdir()
    for name in ("libc10.so", "libtorch_cpu.so"):
        (damaged / name).write_bytes(b"\x7fELF")
    assert "cannot be loaded" in message(python(CAUGHT, COOPSEG_LIBTORCH=str(damaged)))


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("unsigned long long aoti_torch_abi_version(void) { return 0x020a010000000000ull; }", "has libtorch 2.10.1"),
        ("int nothing;", "older than 2.11"),
    ],
)
def test_another_libtorch_is_refused(python, tmp_path: Path, source: str, words: str) -> None:
    for name in ("libc10.so", "libtorch_cpu.so"):
        subprocess.run(
            ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-x", "c", "-", "-o", tmp_path / name],
            input=source, text=True, check=True,
        )  # fmt: skip
    told = message(python(CAUGHT, COOPSEG_LIBTORCH=str(tmp_path)))
    assert told.startswith("LibtorchMismatchError 203") and words in told
    loaded = f"import ctypes; keep = ctypes.CDLL('{tmp_path}/libtorch_cpu.so')\n"
    told = message(python(loaded + CAUGHT))
    assert told.startswith("LibtorchMismatchError 203") and words in told


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_a_library_of_another_abi_is_refused(python, tmp_path: Path) -> None:
    for version, words in ((2, "has ABI version 2"), (1, "is older than this package")):
        library = tmp_path / f"libcoopseg{version}.so"
        source = f"unsigned coopseg_abi_version(void) {{ return {version}; }}"
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=source, text=True, check=True
        )
        assert words in message(python(CAUGHT, COOPSEG_LIBRARY=str(library)))


def test_many_threads_may_load_at_once(python) -> None:
    done = python(
        "import coopseg, threading, concurrent.futures as f\n"
        "with f.ThreadPoolExecutor(8) as pool:\n"
        "    assert set(pool.map(lambda _: coopseg.version(), range(32))) == {coopseg.__version__}"
    )
    assert done.returncode == 0, done.stderr


def test_statuses_are_natural_exceptions() -> None:
    expected = {
        1: ValueError, 3: ValueError, 5: ValueError, 8: ValueError, 9: RuntimeError, 12: ArithmeticError,
        100: FileNotFoundError, 101: OSError, 102: ValueError, 200: RuntimeError, 201: MemoryError, 203: ImportError,
        204: ImportError, 300: RuntimeError, 900: RuntimeError,
    }  # fmt: skip
    for status, builtin in expected.items():
        error = errors.error_of(status, "what was wrong")
        assert isinstance(error, builtin) and isinstance(error, coopseg.Error)
        assert (error.status, error.message, str(error)) == (status, "what was wrong", "what was wrong")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.status, str(again)) == (type(error), status, str(error))
    assert type(errors.error_of(77, "new")) is coopseg.Error
    for name in vars(errors):
        if name.endswith("Error"):
            assert name in coopseg.__all__, name


def test_an_error_carries_the_librarys_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing.coopseg") as caught:
        coopseg.Model.load(tmp_path / "nothing.coopseg")
    assert caught.value.status == 100 and type(caught.value) is coopseg.MissingFileError
    with pytest.raises(coopseg.InvalidConfigError, match="widths"):
        coopseg.Model({"network": {"widths": 2}})
    with pytest.raises(ValueError, match="zero byte"):
        coopseg.Model.load("a\0b")


def test_a_closed_object_says_so(model: coopseg.Model) -> None:
    before = coopseg.live_handles()
    with model.clone() as copy:
        assert coopseg.live_handles() == before + 1 and copy.class_names == model.class_names
    assert copy.closed and coopseg.live_handles() == before
    copy.close()
    with pytest.raises(coopseg.InvalidHandleError, match="this Model was closed"):
        copy.info()
    model.clone()
    assert coopseg.live_handles() == before


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_objects_of_the_library_are_not_copied(model: coopseg.Model, segmenter: coopseg.Segmenter, duplicate) -> None:
    before = coopseg.live_handles()
    for given in (model, segmenter, coopseg.Dataset()):
        with pytest.raises(TypeError, match=f"this {type(given).__name__} belongs to its process"):
            duplicate(given)
    del given
    assert coopseg.live_handles() == before and not model.closed


def test_a_failed_constructor_leaves_nothing(tmp_path: Path) -> None:
    before = coopseg.live_handles()
    with pytest.raises(coopseg.InvalidConfigError):
        coopseg.Model({"epochs": -1})
    assert coopseg.live_handles() == before


def test_a_process_that_leaves_objects_open_ends_quietly(python) -> None:
    done = python(
        "import coopseg, numpy, threading\n"
        "data = coopseg.Dataset.synthetic(subjects=2, slices=2)\n"
        "mine = coopseg.Dataset(); mine.add('a', numpy.random.rand(2, 32, 32), spacing=(1, 1, 1), copy=False)\n"
        "config = {'network': {'width': 2}, 'preprocess': {'pad': [48, 48], 'crop': [32, 32]}, 'slices_per_step': 2}\n"
        "trainer = coopseg.Trainer(config, data, device='cpu')\n"
        "events = trainer.events()\n"
        "assert next(events).step == 1\n"
        "def busy(trainer):\n"
        "    try: trainer.metrics()\n"
        "    except coopseg.BusyError: return True\n"
        "other = coopseg.Trainer({**config, 'epochs': 100000}, data, device='cpu')\n"
        "def run():\n"
        "    while True:\n"
        # The question below may be what makes it busy.
        "        try: return other.run()\n"
        "        except coopseg.BusyError: pass\n"
        "running = threading.Thread(target=run, daemon=True)\n"
        "running.start()\n"
        "while running.is_alive() and not busy(other): pass\n"
        "assert running.is_alive()\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_environment_for_these_tests() -> None:
    assert Path(os.environ["COOPSEG_LIBRARY"]).exists()
