"""Puts libcoopseg.so and its core, with the licences of what is in them, into the wheel and names its platform.

COOPSEG_LIBRARY is the path of the library, as `make install` or a CMake build leaves it.
"""

import os
import re
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# The oldest glibc that the wheels of torch run on.
LIBTORCH_NEEDS_GLIBC = 28


class BundleLibrary(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        given = os.environ.get("COOPSEG_LIBRARY")
        if not given or not Path(given).is_file():
            raise SystemExit(
                f"COOPSEG_LIBRARY is {given!r}; expected the path of the libcoopseg.so that the wheel is to hold"
            )
        library = Path(given).resolve()
        core = core_of(library)
        build_data["force_include"][str(library)] = "coopseg/libcoopseg.so"
        build_data["force_include"][str(core)] = f"coopseg/{core.name}"
        for name in ("LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.txt"):
            build_data["force_include"][str(Path(self.root).resolve().parents[1] / name)] = f"coopseg/{name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_of(library, core)}"


def core_of(library: Path) -> Path:
    """The file beside `library` that does its work."""
    (name,) = set(re.findall(rb"libcoopseg-core\.so\.\d+\.\d+\.\d+", library.read_bytes())) or {b"libcoopseg-core.so"}
    core = library.with_name(name.decode())
    if not core.is_file():
        raise SystemExit(f"COOPSEG_LIBRARY is {library}, beside which {core.name} is missing")
    return core


def platform_of(*libraries: Path) -> str:
    """The tag of the oldest Linux that the libraries run on: the newest glibc symbol that they name decides."""
    machine = sysconfig.get_platform().rpartition("-")[2]
    names = b"".join(library.read_bytes() for library in libraries)
    minors = [int(minor) for minor in re.findall(rb"\x00GLIBC_2\.(\d+)(?:\.\d+)?(?=\x00)", names)]
    return f"manylinux_2_{max([LIBTORCH_NEEDS_GLIBC, *minors])}_{machine}"
