#!/usr/bin/env python3
"""Writes a configuration for clippy that forbids what panics or ends the process where an error can be reported.

    scripts/forbid_panics.py FOLDER     FOLDER becomes clippy's CLIPPY_CONF_DIR

In tch these are the methods that have a fallible counterpart, f_..., and the fallible ones that take numbers: they give
a number back before they look at the error, and panic as well. src/runtime/scalar_operators.rs is for these.

In ndarray these are the ways to make an array that end the process where memory does not hold it. src/memory.rs makes
arrays that say so.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# They only read what the tensor has.
CANNOT_FAIL = {"grad", "kind"}
MAKE_ARRAYS = (
    "ArrayBase::from_elem",
    "ArrayBase::from_iter",
    "ArrayBase::from_shape_fn",
    "ArrayBase::from_shape_simple_fn",
    "ArrayBase::into_owned",
    "ArrayBase::into_shared",
    "ArrayBase::ones",
    "ArrayBase::to_owned",
    "ArrayBase::uninit",
    "ArrayBase::zeros",
    "ArrayRef::as_standard_layout",
    "ArrayRef::dot",
    "ArrayRef::flatten",
    "ArrayRef::fold_axis",
    "ArrayRef::map",
    "ArrayRef::map_axis",
    "ArrayRef::mapv",
    "ArrayRef::mean_axis",
    "ArrayRef::select",
    "ArrayRef::sum_axis",
    "ArrayRef::to_owned",
    "ArrayRef::to_shape",
    "ArrayRef::to_vec",
    "concatenate",
    "stack",
)


def sources() -> Path:
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    [manifest] = [package["manifest_path"] for package in metadata["packages"] if package["name"] == "tch"]
    return Path(manifest).parent / "src" / "wrappers"


def forbidden() -> set[str]:
    # What is between "pub fn" and the body, by name.
    signatures = {}
    for file in ("tensor.rs", "tensor_generated.rs", "tensor_fallible_generated.rs"):
        text = (sources() / file).read_text(encoding="utf-8")
        signatures |= {name: rest for name, rest in re.findall(r"pub fn (\w+)([^{]*)\{", text)}
    panicking = {name for name in signatures if f"f_{name}" in signatures}
    with_numbers = {name for name, rest in signatures.items() if name.startswith("f_") and "Into<Scalar>" in rest}
    if len(panicking) < 2000 or len(with_numbers) < 200:
        sys.exit(f"found only {len(panicking)} and {len(with_numbers)} such methods of tch: is it written otherwise?")
    return (panicking | with_numbers) - CANNOT_FAIL


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    paths = [f"tch::Tensor::{name}" for name in sorted(forbidden())] + [f"ndarray::{name}" for name in MAKE_ARRAYS]
    # Written only where it changes: clippy checks everything again when the file is newer.
    text = "disallowed-methods = [\n" + "".join(f'  "{path}",\n' for path in paths) + "]\n"
    file = folder / "clippy.toml"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
