"""The report page: self-contained, escaped, and complete even when a part fails."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure as MatplotlibFigure
from typer.testing import CliRunner

from ixs_core import report as report_module
from ixs_core.cli import app
from ixs_core.demo_command import find_checkout
from ixs_core.errors import Cancelled, InputError
from ixs_core.project import Project, write_result
from ixs_core.provenance import provenance_of
from ixs_core.report import (
    Column,
    Figure,
    FigureStore,
    Section,
    Table,
    anchor,
    collect_sections,
    compose,
    with_error,
    write_report,
)

VOID = {"meta", "img", "br", "hr", "link", "input"}
EVIL = "<script>alert('a03')</script>"


class Page(HTMLParser):
    """Tags, attributes and text of a page; unbalanced tags are an error."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs in self.tags if attribute in attrs]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    source = tmp_path / "scan & more.spec"
    source.write_text("#F")
    project = Project(tmp_path / "project.h5")
    with project.writing() as h5:
        for analyzer in ("Ana1", "Ana2", "Ana3"):
            made = provenance_of("ixs reduce", {"bin_mev": 0.5}, sources=[source])
            write_result(h5, "spectra", analyzer, {"y": np.arange(3.0)}, provenance=made)
        made = provenance_of("ixs fit", {"modes": EVIL}, parents=["spectra/Ana1"])
        write_result(h5, "fits", "Ana1", {"y": 1.0}, provenance=made)
    return project


def drawing() -> MatplotlibFigure:
    figure = MatplotlibFigure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1])
    axes.set_xlabel("Energy transfer (meV)")
    return figure


def test_page_needs_no_other_file(project: Project, tmp_path: Path) -> None:
    figures = FigureStore(tmp_path / "report" / "figures")
    html = compose(figures.add(Figure("scan 61", "Counts.", drawing())))
    page = write_report(
        project.path, tmp_path / "report", [Section("S", "s", 1, html)], "CsCu2I3, 300 K"
    )
    content = Page(page)
    assert page == tmp_path / "report" / "index.html"
    assert not {"script", "link", "iframe"} & {tag for tag, _ in content.tags}
    assert all(source.startswith("data:image/") for source in content.values("src"))
    assert not re.search(r"https?://|@import|url\(", page.read_text(encoding="utf-8"))
    local = [link for link in content.values("href") if not link.startswith("#")]
    assert local
    assert all((page.parent / link).is_file() for link in local)


def test_contents_lead_to_sections_in_order(project: Project, tmp_path: Path) -> None:
    sections = [
        Section("Fits", "fits", 30, "later", summary="3 of 4 converged"),
        Section("Scans", "scans", 10, "earlier"),
    ]
    content = Page(write_report(project.path, tmp_path / "r", sections, "T"))
    assert [link for link in content.values("href") if link[0] == "#"] == [
        "#scans",
        "#fits",
        "#provenance",
    ]
    assert content.values("id") == ["scans", "fits", "provenance"]
    assert content.text.index("3 of 4 converged") < content.text.index("earlier")


def test_names_from_files_are_escaped_everywhere(project: Project, tmp_path: Path) -> None:
    figures = FigureStore(tmp_path / "r" / "figures")
    html = compose(
        EVIL,
        Table([Column(EVIL, EVIL)], [[EVIL]], EVIL),
        figures.add(Figure(EVIL, EVIL, drawing())),
    )
    sections = [Section(EVIL, "x", 1, html, EVIL), Section("plain", "y", 2, EVIL)]
    page = write_report(project.path, tmp_path / "r", sections, EVIL)
    content = Page(page)
    assert "script" not in {tag for tag, _ in content.tags}
    assert content.text.count(EVIL) >= 11


def test_provenance_is_folded_by_what_is_alike(project: Project, tmp_path: Path) -> None:
    content = Page(write_report(project.path, tmp_path / "r", [], "T"))
    rows = [re.sub(r"\s+", " ", part) for part in content.text.split("sha256")]
    assert content.text.count("bin_mev = 0.5") == 1
    assert "scan & more.spec" in rows[-1]
    assert "spectra 3" in re.sub(r"\s+", " ", content.text)


def test_table_aligns_numbers_and_refuses_ragged_rows() -> None:
    html = Table(
        [Column("E", "meV", ".2f"), "flag", "n", "E(σ)", "ok"],
        [(-1.5, "dead", 12, "3.93(4)", True), (math.nan, "<b>", None, "", False)],
    ).__html__()
    assert '<td class="number">−1.50</td>' in html
    assert '<td class="number">3.93(4)</td>' in html
    assert '<td class="number">12</td>' in html
    assert html.count('<td class="number">–</td>') == 2
    assert "&lt;b&gt;" in html
    with pytest.raises(ValueError, match="row 1 has 1 cells"):
        Table(["a", "b"], [(1, 2), (1,)]).__html__()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        # Rule of the International Union of Crystallography: s.u. from 2 to 19.
        (3.9342, 0.0123, "3.934(12)"),
        (3.9342, 0.041, "3.93(4)"),
        (3.9342, 0.0196, "3.93(2)"),
        (3.9342, 0.0194, "3.934(19)"),
        (-0.5, 0.26, "-0.5(3)"),
        (1234.5, 17.0, "1234(17)"),
        (1234.5, 345.0, "1200(300)"),
        (8.75, 0.0, "8.75"),
        (8.75, None, "8.75"),
        (8.75, math.inf, "8.75"),
        (math.nan, 1.0, "–"),
    ],
)
def test_value_with_error(value: float, error: float | None, text: str) -> None:
    assert with_error(value, error) == text


def test_anchor_is_safe_as_file_and_target() -> None:
    assert anchor("Scan 61, Ana5/../") == "scan-61-ana5"
    assert anchor("…") == "part"


def test_figure_files_for_page_and_paper(tmp_path: Path) -> None:
    figures = FigureStore(tmp_path / "figures")
    for _ in range(2):
        html = figures.add(Figure("Scan 61", 'Counts of "a"', drawing()))
    assert sorted(p.name for p in figures.folder.iterdir()) == [
        "scan-61-2.pdf",
        "scan-61-2.png",
        "scan-61.pdf",
        "scan-61.png",
    ]
    # Type 42 = TrueType, which journals ask for; 3 in. at 150 dpi = 450 px.
    pdf = (figures.folder / "scan-61.pdf").read_bytes()
    assert b"/Subtype /Type3" not in pdf
    png = (figures.folder / "scan-61.png").read_bytes()
    assert int.from_bytes(png[16:20], "big") == 450
    assert pdf == (figures.folder / "scan-61-2.pdf").read_bytes()
    assert "data:image/svg+xml" in html
    assert 'alt="Scan 61: Counts of &#34;a&#34;"' in html


def test_ready_pictures_are_taken_as_they_are(tmp_path: Path) -> None:
    figures = FigureStore(tmp_path / "figures")
    assert "data:image/png" in figures.add(Figure("screen", "The viewer.", b"\x89PNG"))
    assert "data:image/svg" in figures.add(Figure("plan", "The map.", "<svg/>"))
    assert (figures.folder / "screen.png").read_bytes() == b"\x89PNG"
    assert (figures.folder / "plan.svg").read_text() == "<svg/>"


def test_drawings_of_many_points_become_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ixs_core.report_parts._LARGEST_SVG", 100)
    assert "data:image/png" in FigureStore(tmp_path / "f").add(Figure("map", "", drawing()))


def one_good_then_wrong(project: Project, figures: FigureStore) -> Iterator[Section]:
    yield Section("Good", "good", 1, "fine")
    raise KeyError("counts")


def good(project: Project, figures: FigureStore) -> list[Section]:
    return [Section("Scans", "scans", 10, Markup("<p>all</p>"))]


def wrong_input(project: Project, figures: FigureStore) -> list[Section]:
    raise InputError("no <fits>", file=project.path)


def stopped(project: Project, figures: FigureStore) -> list[Section]:
    raise Cancelled


def broken(project: Project, figures: FigureStore) -> list[Section]:
    raise AttributeError("a fault of the program")


@pytest.fixture
def makers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def entry_points(group: str) -> list[EntryPoint]:
        assert group == "ixs.report"
        return [EntryPoint(name, f"{__name__}:{name}", group) for name in names]

    monkeypatch.setattr(report_module, "entry_points", entry_points)
    return names


def test_failing_package_does_not_take_others_along(
    project: Project, tmp_path: Path, makers: list[str]
) -> None:
    makers += ["one_good_then_wrong", "good", "wrong_input"]
    sections = collect_sections(project, FigureStore(tmp_path / "f"))
    content = Page(write_report(project.path, tmp_path / "r", sections, "T"))
    assert "all" in content.text
    assert "KeyError: 'counts'" in content.text
    assert "no <fits>" in content.text
    assert content.values("role") == ["alert", "alert"]


@pytest.mark.parametrize(("maker", "error"), [("stopped", Cancelled), ("broken", AttributeError)])
def test_what_is_no_failure_of_the_data_is_not_hidden(
    project: Project, tmp_path: Path, makers: list[str], maker: str, error: type[Exception]
) -> None:
    makers.append(maker)
    with pytest.raises(error):
        collect_sections(project, FigureStore(tmp_path / "f"))


def test_command_says_where_the_page_is(
    project: Project, tmp_path: Path, makers: list[str]
) -> None:
    makers += ["good", "wrong_input"]
    folder = tmp_path / "out"
    ended = CliRunner().invoke(app, ["report", str(project.path), "-o", str(folder), "--json"])
    answer = json.loads(ended.stdout)
    assert answer["page"] == str(folder / "index.html")
    assert len(answer["failed"]) == 1
    assert "no <fits>" in ended.stderr
    assert Page(folder / "index.html").values("id") == ["scans", "error-wrong-input", "provenance"]


def test_command_begins_nothing_without_a_project(tmp_path: Path) -> None:
    arguments = ["report", str(tmp_path / "none.h5"), "-o", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, arguments)
    assert isinstance(ended.exception, InputError)
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_made_is_named(project: Project) -> None:
    with pytest.raises(InputError, match=r"project\.h5"):
        write_report(project.path, project.path / "r", [], "T")
    with pytest.raises(InputError, match=r"project\.h5"):
        FigureStore(project.path / "r").add(Figure("a", "b", b""))


def test_demonstration_is_looked_for_in_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a checkout"):
        find_checkout(tmp_path)
    (tmp_path / "sample_data").mkdir()
    (tmp_path / "sample_data" / "demo.py").touch()
    (tmp_path / "ixs_core").mkdir()
    assert find_checkout(tmp_path / "elsewhere", tmp_path) == tmp_path
