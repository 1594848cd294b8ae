"""Reports are the same, byte for byte, and need nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import laboratory, make_cells

from laboratory.report import write_report

NAMES = {"report.md", "report.html", "dice.csv", "wilcoxon.csv", "claim.svg", "methods.svg", "parts.svg"}


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_reports_are_repeatable_and_need_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOPSEG_LIBRARY", "/nowhere/libcoopseg.so")
    experiment, cells = make_cells(tmp_path)
    write_report(experiment, cells, tmp_path / "one")
    # In another process, whose hashes of texts are others.
    cells.folder.rename(tmp_path / experiment.name)
    laboratory(tmp_path, "report", experiment.file, "--results", tmp_path, "--output", tmp_path / "two")
    reports = [contents(tmp_path / name) for name in ("one", "two")]
    assert set(reports[0]) == NAMES
    assert reports[0] == reports[1]
    assert str(tmp_path) not in "".join(content.decode() for content in reports[0].values())


def test_the_page_is_whole(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path, title="Hearts & <more>")
    write_report(experiment, cells, tmp_path / "report")
    page = (tmp_path / "report/report.html").read_text()
    assert "<h1>Hearts &amp; &lt;more&gt;</h1>" in page
    assert page.count("<svg") == 3 and page.count("<table>") == 7
    assert not re.search(r'(src|href)="(?!#)', page.replace("http://www.w3.org", "").replace('xlink:href="#', ""))
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert {name for name in re.findall(r'href="#([^"]+)"', page)} <= set(names)
    text = (tmp_path / "report/report.md").read_text()
    assert all(name in text for name in ("claim.svg", "methods.svg", "parts.svg"))


def test_plots_have_their_boxes(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path)
    write_report(experiment, cells, tmp_path / "report")
    boxes = {name: drawn_boxes(tmp_path / "report" / name) for name in ("claim.svg", "methods.svg", "parts.svg")}
    # Two stages of two methods on three test sets.
    assert boxes == {"claim.svg": 12, "methods.svg": 12, "parts.svg": 12}


def drawn_boxes(file: Path) -> int:
    """Filled outlines of four corners, without those of the legend."""
    count = 0
    for path in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}path"):
        style = path.get("style", "")
        filled = re.search(r"fill: #(?!ffffff)", style) and "clip-path" in path.attrib
        count += bool(filled and path.get("d", "").count("L") == 4)
    return count
