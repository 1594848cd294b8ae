"""Where the module finds its libraries, and what it says where it does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from volumes import Volume, disc


@pytest.fixture()
def image(tmp_path: Path) -> Path:
    return Volume(disc()).write_nrrd(tmp_path / "image.nrrd")


def core() -> Path:
    """The part of the library that needs libtorch."""
    (found,) = Path(os.environ["COOPSEG_LIBRARY"]).parent.glob("libcoopseg-core.so.*")
    return found


@pytest.fixture(scope="session")
def libtorch() -> Path:
    """The folder of the libtorch that the module finds."""
    found = subprocess.run(["ldd", core()], capture_output=True, text=True, check=True).stdout
    match = re.search(r"libtorch_cpu\.so => (\S+)", found)
    assert match
    return Path(match[1]).parent


@pytest.fixture()
def without_libtorch(modules: Path, tmp_path: Path) -> Path:
    """The module in a copy of its prefix whose library finds no libtorch."""
    prefix = tmp_path / "copied prefix"
    copied = shutil.copytree(modules, prefix / "lib/coopseg/slicer")
    shutil.copy2(Path(os.environ["COOPSEG_LIBRARY"]).resolve(), prefix / "lib/libcoopseg.so.0")
    library = Path(shutil.copy2(core(), prefix / "lib"))
    script = tmp_path / "search_path.cmake"
    script.write_text(f'file(RPATH_SET FILE "{library}" NEW_RPATH "$ORIGIN")\n'.replace("$", "\\$"))
    subprocess.run(["cmake", "-P", script], check=True)
    return Path(copied) / "CoopSegSegment"


def segment(executable: Path, model: Path, image: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [executable, model, image, image.with_name("labels.nrrd")]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_it_runs_in_an_empty_environment(executable: Path, small: Path, image: Path) -> None:
    assert segment(executable, small, image).returncode == 0


def test_a_missing_libtorch_is_told_and_can_be_named(
    without_libtorch: Path, libtorch: Path, small: Path, image: Path
) -> None:
    done = segment(without_libtorch, small, image)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "libtorch_cpu.so: cannot open shared object file" in done.stderr and "COOPSEG_LIBTORCH" in done.stderr
    for environment in (
        {"COOPSEG_LIBTORCH": str(libtorch)},
        {"COOPSEG_LIBTORCH": str(libtorch.parent)},
        {"LD_LIBRARY_PATH": str(libtorch)},
    ):
        assert segment(without_libtorch, small, image, **environment).returncode == 0, environment


def test_a_wrong_name_of_libtorchs_folder_is_told(executable: Path, small: Path, image: Path) -> None:
    done = segment(executable, small, image, COOPSEG_LIBTORCH="/nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("CoopSegSegment: COOPSEG_LIBTORCH is /nowhere, where neither")


def test_libraries_of_slicer_do_not_get_in_the_way(executable: Path, small: Path, image: Path, tmp_path: Path) -> None:
    """Slicer starts modules with its own libraries on LD_LIBRARY_PATH."""
    slicer = tmp_path / "Slicer"
    slicer.mkdir()
    command = ["readelf", "-d", f"{executable}.worker"]
    needed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    own = [name for name in re.findall(r"\[(lib\S+)\]", needed) if "ITK" in name or "coopseg" in name]
    assert len(own) > 3
    for name in own:
        (slicer / name).write_text("no library")
    plugins = {"ITK_AUTOLOAD_PATH": str(slicer)}
    done = segment(executable, small, image, LD_LIBRARY_PATH=str(slicer), **plugins)
    assert done.returncode == 0, done.stderr


def test_a_link_to_the_module(executable: Path, small: Path, image: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(executable)
    assert segment(link, small, image).returncode == 0
