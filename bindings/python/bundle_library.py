"""Puts libcoopseg.so, with the licences of what is in it, into the wheel and names the platform that the wheel is for.

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
        build_data["force_include"][str(library)] = "coopseg/libcoopseg.so"
        for name in ("LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.txt"):
            build_data["force_include"][str(Path(self.root).resolve().parents[1] / name)] = f"coopseg/{name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_of(library)}"


def platform_of(library: Path) -> str:
    """The tag of the oldest Linux that the library runs on: the newest glibc symbol that it names decides."""
    machine = sysconfig.get_platform().rpartition("-")[2]
    minors = [int(minor) for minor in re.findall(rb"\x00GLIBC_2\.(\d+)(?:\.\d+)?(?=\x00)", library.read_bytes())]
    return f"manylinux_2_{max([LIBTORCH_NEEDS_GLIBC, *minors])}_{machine}"
