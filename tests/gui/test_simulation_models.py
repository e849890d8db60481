"""What the tab Simulation draws, against closed forms and the core's own numbers."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import constants

from gui.models.document import SpectrumId
from gui.models.simulation_drawing import Curve, Drawing, View
from gui.models.simulation_groups import drawing_of
from gui.models.simulation_records import load
from gui.models.simulation_results import (
    GROUPS,
    Entry,
    Group,
    read_entries,
    temperatures_of,
)
from gui.plots.export import table_text, write_export
from gui.plots.panel_figure import curve_table, export_of
from gui.plots.real_axes import decade_ticks, real_number
from ixs_core.project import Project
from ixs_reduce.store import read_spectra
from tests.gui import simulated_project as made

HBAR_MEV_PS = constants.hbar / (constants.e * 1e-3) * 1e12


@pytest.fixture(scope="session")
def project(_built_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(_built_project, tmp_path_factory.mktemp("simulated") / "small.h5"))
    made.add_simulations(path)
    return path


def group(name: str) -> Group:
    return next(one for one in GROUPS if one.name == name)


def of_group(project: Path, name: str) -> list[Entry]:
    return [entry for entry in read_entries(project) if entry.group.name == name]


def drawn(
    project: Path, name: str, view: View, which: SpectrumId | None = None, only: str = ""
) -> Drawing:
    entries = [entry for entry in of_group(project, name) if only in entry.key]
    loaded = load(project, entries)
    assert not loaded.failures
    drawing = drawing_of(group(name), entries, loaded.records, view, which)
    assert drawing is not None
    return drawing


def curve(drawing: Drawing, name: str, panel: int = 0, number: int = 0) -> Curve:
    found = [one for one in drawing.panels[panel].curves if one.name == name]
    assert found, [one.name for one in drawing.panels[panel].curves]
    return found[number]


def test_all_kinds_of_results_are_listed_with_their_temperatures(project: Path) -> None:
    entries = read_entries(project)
    assert {entry.group.name for entry in entries} == {one.name for one in GROUPS}
    kelvins = {entry.key: entry.temperatures_k for entry in entries}
    assert kelvins["kappa wigner a"] == made.KAPPA_K
    assert kelvins["md displacements run600"] == kelvins["md states run600"]
    assert kelvins["md displacements run600"][0] == pytest.approx(600, rel=0.02)
    assert temperatures_of([e for e in entries if e.group.name == "lifetimes"]) == (300.0, 600.0)


@pytest.mark.parametrize("axis", ["all", "x", "y", "z"])
def test_the_line_of_d_has_the_slope_of_the_known_d(project: Path, axis: str) -> None:
    kelvin = of_group(project, "displacements")[0].temperatures_k[0]
    drawing = drawn(project, "displacements", View(axis, True, kelvin))
    (name,) = [one for one in drawing.names if one.startswith("Cu, 300 K: D = ")]
    line = curve(drawing, name)
    slope = np.diff(line.y) / np.diff(line.x)
    along = dict(zip("xyz", made.D_CM2_S, strict=True))
    in_a2_per_ps = 1e-8**-2 * 1e-12  # cm²/s
    expected = 2 * sum(along.values()) if axis == "all" else 2 * along[axis]
    assert slope == pytest.approx(expected * in_a2_per_ps, rel=1e-9)
    points = curve(drawing, "Cu, 300 K")
    assert points.y == pytest.approx(expected * in_a2_per_ps * points.x)
    assert points.upper is not None
    within = points.x <= 5.0
    scatter = 0.02 * np.sqrt(20 / 4 / 5)
    assert (points.upper / points.y - 1)[within] == pytest.approx(scatter)
    assert np.isnan(points.upper[~within]).all()


def test_what_does_not_diffuse_has_a_limit_and_the_table_says_so(project: Path) -> None:
    kelvin = of_group(project, "displacements")[0].temperatures_k[0]
    drawing = drawn(project, "displacements", View("all", False, kelvin))
    assert any(name.startswith("I, 300 K: D < ") for name in drawing.names)
    row = next(r for r in drawing.numbers.rows if r[:1] + r[2:4] == ("run300", "Cu", "x, y, z"))
    assert row[4] == pytest.approx(np.mean(made.D_CM2_S))
    caged = next(r for r in drawing.numbers.rows if r[:1] + r[2:4] == ("run300", "I", "x, y, z"))
    assert caged[4] == ""
    assert isinstance(caged[6], float)
    faint = {one.name: one.faint for one in drawing.panels[0].curves}
    assert not faint["Cu, 300 K"]
    assert faint["Cu, 600 K"]
    assert sum(note.startswith("Hops") for note in drawing.notes) == 2


def test_the_states_integrate_to_three_for_each_atom(project: Path) -> None:
    drawing = drawn(project, "states", View("each"))
    total = 0.0
    for panel in drawing.panels:
        for axis in "xyz":
            one = next(c for c in panel.curves if c.name == f"{axis}, 300 K")
            total += float(np.trapezoid(one.y, one.x))
    atoms = len(made.crystal(300.0).species)
    assert total == pytest.approx(3 * (atoms - 1), rel=0.02)  # the centre of mass is at rest
    summed = drawn(project, "states", View("sum"))
    parts = [curve(drawing, f"{axis}, 600 K", 1).y for axis in "xyz"]
    assert curve(summed, "x + y + z, 600 K", 1).y == pytest.approx(sum(parts))


@pytest.mark.parametrize("energy_mev", [0.5, 2.0, 7.3, 15.0])
def test_the_limits_of_the_regimes_are_the_closed_forms(project: Path, energy_mev: float) -> None:
    drawing = drawn(project, "lifetimes", View(temperature_k=300.0))
    ioffe_regel = curve(drawing, "Ioffe-Regel, τ = 1/ω")
    omega = energy_mev * 1e-3 * constants.e / constants.hbar  # rad/s
    at = np.exp(np.interp(np.log(energy_mev), np.log(ioffe_regel.x), np.log(ioffe_regel.y)))
    assert at == pytest.approx(1e12 / omega, rel=1e-6)
    (name,) = [one for one in drawing.names if one.startswith("Wigner")]
    spacing = made.SPACING_MEV * 1e-3 * constants.e / constants.hbar
    assert curve(drawing, name).y == pytest.approx(1e12 / spacing, rel=1e-9)


def test_lifetimes_errors_and_limits(project: Path) -> None:
    drawing = drawn(project, "lifetimes", View(temperature_k=600.0))
    sharp = curve(drawing, "IXS: ± σ")
    width, error = np.array([0.4, 1.6]), np.array([0.02, 0.1])
    assert sharp.y == pytest.approx(HBAR_MEV_PS / width)
    assert sharp.lower == pytest.approx(HBAR_MEV_PS / (width + error))
    assert sharp.upper == pytest.approx(HBAR_MEV_PS / (width - error))
    limit = curve(drawing, "IXS: at least (95 %)")
    assert (limit.look, limit.x.tolist()) == ("limits", [16.0])
    assert limit.y == pytest.approx(HBAR_MEV_PS / 2.0)
    assert curve(drawing, "mesh").y.size == 300
    names = [region.name for region in drawing.panels[0].regions]
    assert names == ["particle-like", "wave-like", "below Ioffe-Regel"]
    (row,) = [r for r in drawing.numbers.rows if r[0] == "mesh"]
    assert sum(float(share) for share in row[-3:]) == pytest.approx(100)


def test_the_overlay_is_that_of_the_core(project: Path) -> None:
    which = SpectrumId(made.SCAN, "Ana5")
    drawing = drawn(project, "overlays", View(), which)
    with Project(project).reading() as h5:
        spectrum = next(s for s in read_spectra(h5, which.key) if s.analyzer == "Ana5")
    seen = spectrum.exposure > 0
    factor = np.median(spectrum.exposure[seen]) / spectrum.exposure[seen]
    points = curve(drawing, "measured counts")
    assert points.x == pytest.approx(spectrum.energy_mev[seen] - made.ZERO_MEV)
    assert points.y == pytest.approx(spectrum.counts[seen] * factor)
    for source, width in ((made.NEAR, 2.0), (made.WIDE, 6.0)):
        laid = made.overlaid(spectrum, width)
        assert curve(drawing, source).y == pytest.approx(laid.expected[seen] * factor)
        inelastic = laid.scale * spectrum.exposure * made.predicted(spectrum, width)
        part = curve(drawing, f"inelastic part, {source}")
        assert part.y == pytest.approx(inelastic[seen] * factor)
        (row,) = [r for r in drawing.numbers.rows if r[0] == source]
        told = dict(zip(drawing.numbers.columns, row, strict=True))
        assert told["χ²/n"] == pytest.approx(laid.chi2 / laid.dof)
        assert told["|ΔQ| (Å⁻¹)"] == (0.15 if source == made.NEAR else 0.0)
        assert f"{source}: a note on {source}." in drawing.notes
    assert any("0.15 Å⁻¹ from the measured one" in note for note in drawing.notes)


def test_a_spectrum_without_overlay_has_no_drawing(project: Path) -> None:
    entries = of_group(project, "overlays")
    records = load(project, entries).records
    which = SpectrumId(made.SCAN, "Ana1")
    assert drawing_of(group("overlays"), entries, records, View(), which) is None


def test_a_spectrum_that_was_reduced_again_is_told(project: Path) -> None:
    entries = of_group(project, "overlays")
    which = SpectrumId(made.SCAN, "Ana5")
    with Project(project).reading() as h5:
        other = next(s for s in read_spectra(h5, which.key) if s.analyzer == "Ana6")
    records = load(project, entries).records
    drawing = drawing_of(group("overlays"), entries, records, View(), which, other)
    assert drawing is not None
    assert any("reduced again" in note for note in drawing.notes)


@pytest.mark.parametrize(("axis", "place"), [("xx", 0), ("yy", 1), ("zz", 2)])
def test_conductivities_are_those_stored(project: Path, axis: str, place: int) -> None:
    record, known = made.wigner(), made.measured()
    drawing = drawn(project, "conductivity", View(axis, temperature_k=400.0))
    for part, tensor in (
        ("κ_p", record.kappa_p),
        ("κ_c", record.kappa_c),
        ("κ_p + κ_c", record.kappa_p + record.kappa_c),
    ):
        assert curve(drawing, f"{part} {axis}").y == pytest.approx(tensor[:, place, place])
        assert curve(drawing, f"{part} {axis}").x.tolist() == list(made.KAPPA_K)
    band = curve(drawing, f"κ_p + κ_c {axis}, IXS widths")
    total = (known.kappa_p + known.kappa_c)[place, place]
    assert (band.x.tolist(), band.y.tolist()) == ([300.0], [pytest.approx(total)])
    assert band.lower == pytest.approx(0.9 * total)
    below = curve(drawing, f"κ_p {axis}", 1)
    assert below.y[-1] == pytest.approx(record.kappa_p[2, place, place])
    assert "400 K" in drawing.panels[1].title
    assert drawing.panels[0].mark_x == 400.0


def test_the_table_of_conductivities_is_the_stored_one(project: Path) -> None:
    record, known = made.wigner(), made.measured()
    drawing = drawn(project, "conductivity", View("mean", temperature_k=300.0))
    rows = drawing.numbers.rows
    for number, kelvin in enumerate(made.KAPPA_K):
        (row,) = [r for r in rows if r[:2] == ("a", kelvin)]
        assert row[2:5] == tuple(np.diag(record.kappa_p[number]))
        assert row[5:8] == tuple(np.diag(record.kappa_c[number]))
        assert row[-1] == "passed"
    (row,) = [r for r in rows if str(r[0]).startswith("IXS")]
    assert row[2:8] == (*np.diag(known.kappa_p), *np.diag(known.kappa_c))
    assert {rows[number][1] for number in drawing.numbers.marked} == {300.0}
    assert any("Cu 75 %, I 25 %" in note for note in drawing.notes)


def test_scattering_is_that_of_the_simulation(project: Path) -> None:
    entries = of_group(project, "scattering")
    found = load(project, entries).records[entries[0].key].found
    drawing = drawn(project, "scattering", View(row=-1))
    assert len(drawing.panels) == 2
    one = drawing.panels[1].curves[0]
    assert one.y == pytest.approx(found.inelastic[1])
    assert one.upper == pytest.approx(
        found.inelastic[1] * (1 + np.sqrt(1.056 / 2 / found.segments))
    )
    single = drawn(project, "scattering", View(row=1))
    assert [panel.title for panel in single.panels] == [drawing.panels[1].title]


def test_green_kubo_shows_integral_and_estimate(project: Path) -> None:
    entries = of_group(project, "green-kubo")
    found = load(project, entries).records[entries[0].key]
    drawing = drawn(project, "green-kubo", View("each"))
    assert curve(drawing, "x", 1).y == pytest.approx(found.integral.running[:, 0])
    assert curve(drawing, "mean ± error", 1).y == pytest.approx(found.integral.running.mean(axis=1))
    assert curve(drawing, "estimate ± error, cepstral", 1).y == pytest.approx(found.kappa)
    assert "x" not in [c.name for c in drawn(project, "green-kubo", View("mean")).panels[1].curves]


def test_exported_numbers_are_read_back_equal(project: Path, tmp_path: Path) -> None:
    drawing = drawn(project, "lifetimes", View(temperature_k=300.0)).without(["mesh"])
    written = write_export(export_of(drawing), tmp_path / "lifetimes.pdf", 178.0)
    assert [path.suffix for path in written] == [".pdf", ".csv"]
    assert written[0].read_bytes().startswith(b"%PDF")
    rows = list(csv.DictReader(written[1].open(encoding="utf-8")))
    mine = [row for row in rows if row["curve"] == "IXS: ± σ"]
    sharp = curve(drawing, "IXS: ± σ")
    assert [float(row["lifetime_ps"]) for row in mine] == sharp.y.tolist()
    assert [float(row["energy_mev"]) for row in mine] == sharp.x.tolist()
    assert sharp.upper is not None
    assert [float(row["lifetime_ps_upper"]) for row in mine] == sharp.upper.tolist()
    assert not [row for row in rows if row["curve"] == "mesh"]


@pytest.mark.parametrize("name", [one.name for one in GROUPS])
@pytest.mark.parametrize("log", [False, True])
def test_every_group_is_exported(project: Path, name: str, log: bool) -> None:
    axes = group(name).axes
    view = View(axes[-1][0] if axes else "", log)
    drawing = drawn(project, name, view, SpectrumId(made.SCAN, "Ana5"))
    table = table_text(curve_table(drawing))
    rows = list(csv.reader(io.StringIO(table)))
    points = sum(c.x.size for panel in drawing.panels for c in panel.curves if c.name)
    assert len(rows) == points + 1
    export_of(drawing).figure.savefig(io.BytesIO(), format="svg")
    for panel in drawing.panels:
        assert panel.x.label
        assert any(part in panel.y.label for part in ("(", "per meV", "Counts", "⟨J²⟩"))
        assert panel.x_range[0] < panel.x_range[1]
        assert panel.y_range[0] < panel.y_range[1]


def test_ticks_of_logarithmic_axes_are_round_numbers() -> None:
    assert [round(10**v, 6) for v in decade_ticks(-1, 0.4)] == [0.1, 0.2, 0.5, 1, 2]
    assert [round(10**v, 6) for v in decade_ticks(-2.1, 2.1)] == [0.01, 0.1, 1, 10, 100]
    assert len(decade_ticks(np.log10(300), np.log10(400))) >= 2
    assert [real_number(v) for v in (0.002, 10.0, 1e-5, 2e6)] == ["0.002", "10", "10⁻⁵", "2·10⁶"]


def test_a_damaged_result_leaves_the_others(project: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(project, tmp_path / "damaged.h5"))
    with Project(path).writing() as h5:
        del h5["entry/predictions/md displacements run300/facts"]
    entries = [entry for entry in read_entries(path) if entry.group.name == "displacements"]
    loaded = load(path, entries)
    assert [key for key, _ in loaded.failures] == ["md displacements run300"]
    assert "md displacements run600" in loaded.records
