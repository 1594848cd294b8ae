#!/usr/bin/env python3
"""Writes THIRD-PARTY.txt: the crates that are linked into libcoopseg-core.so, with the texts of their licences.

    scripts/third_party.py           after a change of Cargo.lock
    scripts/third_party.py --check   fails where the file is not up to date
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "THIRD-PARTY.txt"
PLATFORM = "x86_64-unknown-linux-gnu"
TEXTS = re.compile(r"(licen[cs]e|copying|notice|unlicense|copyright)", re.IGNORECASE)


def linked_crates() -> list[dict]:
    """What ends in the library: not what only builds or tests it, and no macros."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", PLATFORM]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    own = metadata["resolve"]["root"]
    found, waiting = {own}, [own]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            name = dependency["pkg"]
            kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
            macros = any("proc-macro" in target["kind"] for target in packages[name]["targets"])
            if None in kinds and not macros and name not in found:
                found.add(name)
                waiting.append(name)
    return sorted((packages[name] for name in found - {own}), key=lambda package: (package["name"], package["version"]))


def texts_of(package: dict) -> list[str]:
    folder = Path(package["manifest_path"]).parent
    files = sorted(file for file in folder.iterdir() if file.is_file() and TEXTS.match(file.name))
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files if file.suffix != ".rs"]
    return ["\n".join(line.rstrip() for line in text.strip().splitlines()) for text in texts]


def document(packages: list[dict]) -> str:
    numbers: dict[str, int] = {}
    rows = []
    for package in packages:
        own = [numbers.setdefault(text, len(numbers) + 1) for text in texts_of(package)]
        shown = ", ".join(map(str, own)) if own else "none in the crate"
        rows.append(f"{package['name']} {package['version']}: {package['license'] or 'as its text says'}; texts: {shown}")
    head = (
        "libcoopseg-core.so contains these Rust crates, under the licences named here; their texts follow, by number.\n"
        "Of a choice of licences with MIT in it, MIT is taken. Where a crate brings no text, LICENSE-MIT and LICENSE-APACHE\n"
        "beside this file have the words. Written by scripts/third_party.py.\n"
    )
    parts = [head, "\n".join(rows)]
    parts += [f"---- {number} " + "-" * 60 + f"\n\n{text}" for text, number in numbers.items()]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    made = document(linked_crates())
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text(encoding="utf-8") != made:
            print("THIRD-PARTY.txt is not up to date; run scripts/third_party.py", file=sys.stderr)
            return 1
        return 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    FILE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
