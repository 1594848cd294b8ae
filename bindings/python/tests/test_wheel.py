"""The wheel: built, installed into an empty environment, and used there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import coopseg
import numpy as np
import pytest
from conftest import PACKAGE, SPACING


LIBRARY = Path(os.environ["COOPSEG_LIBRARY"])
LIBRARIES = (LIBRARY, LIBRARY.with_name(f"libcoopseg-core.so.{coopseg.__version__}"))


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("COOPSEG_LIBRARY", "PYTHONPATH")}
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=120, env={**clean, **environment}
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, PACKAGE,
               COOPSEG_LIBRARY=os.environ["COOPSEG_LIBRARY"])  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.iterdir()
    return made


def test_what_is_in_it(wheel: Path) -> None:
    assert re.fullmatch(rf"coopseg-{coopseg.__version__}-py3-none-manylinux_2_\d+_x86_64\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(f"coopseg-{coopseg.__version__}.dist-info/METADATA").decode()
        for library in LIBRARIES:
            assert archive.read(f"coopseg/{library.name}") == library.read_bytes()
    assert {name for name in names if ".so" in name} == {f"coopseg/{library.name}" for library in LIBRARIES}
    assert "coopseg/THIRD-PARTY.txt" in names and "coopseg/LICENSE-MIT" in names
    assert "coopseg/py.typed" in names and not any("test" in name or "pycache" in name for name in names)
    assert "Requires-Dist: torch==2.11.0" in metadata and "Requires-Dist: numpy" in metadata


def test_its_tag_names_the_c_library_that_it_needs(wheel: Path) -> None:
    told = subprocess.run(["readelf", "-V", *LIBRARIES], capture_output=True, text=True).stdout
    newest = max(int(minor) for minor in re.findall(r"Name: GLIBC_2\.(\d+)", told))
    assert f"manylinux_2_{max(newest, 28)}_" in wheel.name


def test_it_works_in_an_empty_environment(wheel: Path, model, image, segmenter, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    (site,) = environment.glob("lib/python*/site-packages")
    # What --no-deps leaves out: numpy and torch come from where these tests have them.
    elsewhere = {str(Path(find_spec(name).origin).parents[1]) for name in ("numpy", "torch")}
    (site / "elsewhere.pth").write_text("\n".join(elsewhere))
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr

    model.save(tmp_path / "model.coopseg")
    np.save(tmp_path / "image.npy", image)
    code = (
        "import sys, numpy, coopseg\n"
        "segmenter = coopseg.Segmenter(coopseg.Model.load('model.coopseg'), device='cpu')\n"
        f"numpy.save('labels.npy', segmenter.segment(numpy.load('image.npy'), spacing={SPACING}).labels)\n"
        "maps = open('/proc/self/maps').read()\n"
        "assert sys.argv[1] + '/coopseg/libcoopseg-core.so.' in maps and 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [python, "-c", code, site.resolve()], cwd=tmp_path, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), segmenter.segment(image, spacing=SPACING).labels)
    done = run(environment / "bin" / "coopseg", "info", tmp_path / "model.coopseg")
    assert done.returncode == 0 and '"class_names"' in done.stdout, done.stderr


def test_a_wheel_without_library_is_not_made(tmp_path: Path) -> None:
    for given in ({}, {"COOPSEG_LIBRARY": "/nowhere/libcoopseg.so"}):
        done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, PACKAGE, **given)
        assert done.returncode != 0 and "COOPSEG_LIBRARY" in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())
