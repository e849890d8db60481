"""Figures show the numbers of the fit: points, intervals, residuals, limits, axes with units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.optimize import brentq
from scipy.stats import norm, poisson

from ixs_reduce.dispersion_points import mode_points
from ixs_reduce.figures import (
    dispersion_figure,
    resolution_figure,
    spectra_grid,
    spectrum_figure,
    zeros_figure,
)
from ixs_reduce.figures_resolution import resolution_curves
from ixs_reduce.fit_curves import counted_points, fit_curves
from ixs_reduce.fit_words import (
    energy_text,
    is_simulated,
    reasons,
    spectrum_title,
    width_text,
)
from ixs_reduce.fitting import SpectrumFit, fit_spectrum
from ixs_reduce.q_path import q_paths
from ixs_reduce.resolution import Resolution
from ixs_reduce.resolution_fit import ResolutionFit, ResolutionOptions, fit_resolution
from ixs_reduce.scan import Flag
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

R = Resolution.from_components([("gaussian", 0.7, 0.0, 1.4), ("lorentzian", 0.3, 0.0, 1.9)], "a")


def measured(
    energies: tuple[float, ...] = (5.0, 9.0),
    q: tuple[float, float, float] = (1.0, 0.0, 0.2),
    seed: int = 1,
    strength: float = 400.0,
    **more: object,
) -> Spectrum:
    """Poisson counts with unequal exposures; the file's zero is at 0.3 meV."""
    energy = np.linspace(-14, 14, 81)
    exposure = np.where(np.arange(81) % 2, 1000.0, 1500.0)
    truth: dict[str, float] = {"elastic": strength / 1e3, "background_c0": 0.004, "zero": 0.3}
    for i, e in enumerate(energies, start=1):
        truth |= {f"mode{i}_energy": e, f"mode{i}_fwhm": 0.8, f"mode{i}_amplitude": strength / 1e3}
    model = SpectrumModel(R, 300.0, modes=len(energies), background="constant")
    counts = np.random.default_rng(seed).poisson(exposure * model.evaluate(truth, energy))
    fields = {
        "q_hkl": q,
        "q_abs": float(np.linalg.norm(q)),
        "temperature_k": 300.0,
        "analyzer": "a01",
        "scan": "7",
        "file": "run.spec",
        "zero_mev": 0.3,
    } | more
    return Spectrum(energy, counts.astype(float), exposure, **fields)  # type: ignore[arg-type]


def fitted(spectrum: Spectrum | None = None, modes: int = 2) -> SpectrumFit:
    spectrum = spectrum or measured()
    model = SpectrumModel(R, 300.0, modes=modes, background="constant")
    return fit_spectrum(spectrum, model, starts=1)


@pytest.fixture(scope="module")
def fit() -> SpectrumFit:
    return fitted()


@pytest.fixture(scope="module")
def branch() -> list[SpectrumFit]:
    """Fits of three analyzers in five scans: each analyzer along (0, 0, 1), none together."""
    found = []
    for scan in range(5):
        for number in range(3):
            ell = 0.1 * scan
            q = (1.0 + 0.3 * number, 0.4 * number**2, ell)
            spectrum = measured(
                (5.0 + 2 * ell, 9.0), q, seed=scan, analyzer=f"a{number}", scan=str(60 + scan)
            )
            found.append(fitted(spectrum))
    return found


def lines(axes: Axes, label: str) -> list[Line2D]:
    return [line for line in axes.get_lines() if line.get_label() == label]


def texts(figure: Figure) -> str:
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts]
        found += [axes.get_title(loc=place) for place in ("left", "center", "right")]
        found += [axes.get_xlabel(), axes.get_ylabel()]
    return "\n".join(found)


def test_points_are_counts_at_median_exposure(fit: SpectrumFit) -> None:
    spectrum = fit.spectrum
    axes = spectrum_figure(fit, "linear").axes[0]
    (points,) = lines(axes, "counts, 68 %")
    np.testing.assert_allclose(points.get_xdata(), spectrum.energy_mev - fit.zero.value)
    scale = 1500.0 / spectrum.exposure  # 41 of 81 points have 1500
    np.testing.assert_allclose(points.get_ydata(), spectrum.counts * scale)


def test_error_bars_are_garwood_intervals(fit: SpectrumFit) -> None:
    """Ends from the definition: the mean at which so few, or so many, counts have 15.87 %."""
    axes = spectrum_figure(fit, "linear").axes[0]
    bars = [c for c in axes.collections if isinstance(c, LineCollection)]
    segments = np.array(bars[0].get_segments())
    tail = norm.sf(1.0)
    for i in (0, 17, 40, 63):
        n, scale = fit.spectrum.counts[i], 1500.0 / fit.spectrum.exposure[i]
        upper = brentq(lambda mean, n=n: poisson.cdf(n, mean) - tail, n, n + 50 + 5 * n)
        lower = brentq(lambda mean, n=n: poisson.sf(n - 1, mean) - tail, 1e-9, n) if n else 0.0
        np.testing.assert_allclose(segments[i, :, 1], [lower * scale, upper * scale], rtol=2e-4)


def test_total_is_the_sum_of_terms_and_meets_the_expected_counts(fit: SpectrumFit) -> None:
    curves = fit_curves(fit, 4001)
    assert set(curves.components) == {"mode1", "mode2", "elastic", "background"}
    np.testing.assert_allclose(curves.total, sum(curves.components.values()))
    at_points = np.interp(curves.points.energy_mev, curves.energy_mev, curves.total)
    expected = fit.expected_counts * 1500.0 / fit.spectrum.exposure
    np.testing.assert_allclose(at_points, expected, rtol=1e-3)


def test_residuals_share_the_energy_axis_and_sum_to_the_deviance(fit: SpectrumFit) -> None:
    main, below, strip = spectrum_figure(fit).axes
    assert main.get_shared_x_axes().joined(main, below)
    assert main.get_shared_x_axes().joined(main, strip)
    (residual,) = lines(below, "residual")
    assert np.sum(np.square(residual.get_ydata())) == pytest.approx(fit.deviance, rel=1e-6)
    levels = sorted({float(np.ravel(line.get_ydata())[0]) for line in below.get_lines()[:3]})
    assert levels == [-2, 0, 2]


def test_axes_have_units_and_the_title_says_where(fit: SpectrumFit) -> None:
    figure = spectrum_figure(fit)
    main, below, _ = figure.axes
    assert below.get_xlabel() == "Energy transfer (meV), E > 0: energy loss"
    assert main.get_ylabel() == "Counts per point\nat median exposure"
    assert "Scan 7 · a01 · Q = (1.000, 0.000, 0.200), |Q| = 1.020 Å⁻¹ · 300 K" in texts(figure)
    assert energy_text(fit, 0) in texts(figure)
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {"counts, 68 %", "mode 1", "mode 2", "elastic", "background", "total"}


def test_strip_shows_energy_and_width(fit: SpectrumFit) -> None:
    strip = spectrum_figure(fit).axes[2]
    for i, (bar, tick) in enumerate(zip(strip.patches, strip.get_lines(), strict=True)):
        mode = fit.modes[i]
        assert bar.get_width() == pytest.approx(mode.fwhm.value)
        assert bar.get_x() + bar.get_width() / 2 == pytest.approx(mode.energy.value)
        assert tick.get_xdata()[0] == pytest.approx(mode.energy.value)


def test_upper_limit_is_drawn_as_a_limit(fit: SpectrumFit) -> None:
    limited = replace(fit, held=("mode1_fwhm",), upper_limits=(("mode1_fwhm", 0.83),))
    assert width_text(limited, 0) == "< 0.83"
    assert "< 0.83" in texts(spectrum_figure(limited))
    first, second = spectrum_figure(limited).axes[2].patches
    assert first.get_width() == pytest.approx(0.83)
    assert first.get_facecolor()[3] == 0
    assert second.get_facecolor()[3] > 0
    (path,) = q_paths([limited])
    assert mode_points(path)[0].limit == 0.83
    widths = dispersion_figure([limited]).axes[1]
    (limit,) = [c for c in widths.containers if c.get_label() == "_limit"]
    assert float(limit[0].get_ydata()[0]) == pytest.approx(0.83)
    assert any(str(cap.get_marker()) != "None" for cap in limit[1])


def test_limit_that_is_infinite_or_missing_is_no_limit(fit: SpectrumFit) -> None:
    limited = replace(fit, held=("mode1_fwhm",), upper_limits=(("mode1_fwhm", float("inf")),))
    assert width_text(limited, 0).endswith("(bound)")
    spectrum_figure(limited).savefig("/dev/null", format="png")


def test_zero_modes_and_quasielastic_and_measured_background() -> None:
    spectrum = measured(())
    spectrum = replace(spectrum, background_rate=np.full(81, 0.01))
    none = fitted(spectrum, modes=0)
    figure = spectrum_figure(none)
    assert "no modes in this model" in texts(figure)
    assert "measured background" in {t.get_text() for t in figure.legends[0].get_texts()}
    model = SpectrumModel(R, 300.0, modes=1, quasielastic=True)
    with_qe = fit_spectrum(measured((5.0,)), model, starts=1)
    labels = {t.get_text() for t in spectrum_figure(with_qe).legends[0].get_texts()}
    assert "quasi-elastic" in labels
    assert "no fitted modes" in texts(dispersion_figure([none]))
    assert dispersion_figure([]).texts
    assert spectra_grid([]).texts
    assert zeros_figure([]).texts
    assert resolution_figure([]).texts


def test_scale_is_logarithmic_where_the_elastic_line_hides_the_modes(fit: SpectrumFit) -> None:
    assert spectrum_figure(fit).axes[0].get_yscale() == "linear"
    assert spectrum_figure(fit, "log").axes[0].get_yscale() == "log"
    bragg = replace(fit, parameters=fit.parameters.copy())
    bragg.parameters[fit.parameter_names.index("elastic")] *= 500
    assert spectrum_figure(bragg).axes[0].get_yscale() == "log"
    assert any("elastic line dominates" in reason for reason in reasons(bragg))


def test_points_without_exposure_are_left_out_and_counted() -> None:
    spectrum = measured()
    exposure = spectrum.exposure.copy()
    exposure[3] = 0
    points = counted_points(replace(spectrum, exposure=exposure))
    assert (points.energy_mev.size, points.unexposed) == (80, 1)


def test_simulated_data_are_called_so(fit: SpectrumFit) -> None:
    spectrum = replace(fit.spectrum, file="Simulated_BL43LXU.spec")
    named = replace(fit, spectrum=spectrum)
    assert is_simulated(spectrum)
    assert not is_simulated(fit.spectrum)
    assert spectrum_title(spectrum).endswith("simulated")
    for figure in (spectrum_figure(named), spectra_grid([named]), dispersion_figure([named])):
        assert "simulated" in texts(figure)
    assert "simulated" not in texts(spectrum_figure(fit))


@pytest.mark.parametrize("number", [1, 6, 9, 28])
def test_grid_of_a_scan(fit: SpectrumFit, number: int) -> None:
    fits = [
        replace(fit, spectrum=replace(fit.spectrum, analyzer=f"a{k:02d}")) for k in range(number)
    ]
    figure = spectra_grid(fits)
    assert len(figure.axes) == number
    first = figure.axes[0]
    assert all(first.get_shared_x_axes().joined(first, axes) for axes in figure.axes[1:])
    assert [a.get_title(loc="left")[:3] for a in figure.axes] == [
        f"a{k:02d}" for k in range(number)
    ]
    boxes = [axes.get_position() for axes in figure.axes]
    for k, box in enumerate(boxes):
        assert 0 < box.x0 < box.x1 <= 1
        assert 0 < box.y0 < box.y1 < 1
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])
    assert "Energy transfer (meV)" in texts(figure)


def test_dead_analyzer_is_grey_with_its_reason(fit: SpectrumFit) -> None:
    dead = replace(
        fit.spectrum, analyzer="a02", flags=(Flag("nearly-dead", "median 1 counts", "a02"),)
    )
    figure = spectra_grid([fit], [dead, replace(dead, analyzer="a03", flags=())])
    assert "nearly dead: median 1 counts" in texts(figure)
    assert "not fitted" in texts(figure)
    (points,) = lines(figure.axes[1], "counts, 68 %")
    assert points.get_color() == "#b8b8b8"


def test_paths_are_found_and_named(branch: list[SpectrumFit]) -> None:
    paths = q_paths(branch)
    assert [path.name for path in paths] == ["a0", "a1", "a2"]
    for path in paths:
        np.testing.assert_array_equal(path.direction, [0, 0, 1])
        np.testing.assert_allclose(path.position, [0, 0.1, 0.2, 0.3, 0.4], atol=1e-12)
    assert paths[1].label == "ξ (r.l.u.), Q = (1.3, 0.4, ξ)"


def test_one_line_for_all_and_none_at_all(branch: list[SpectrumFit]) -> None:
    def at(q: tuple[float, float, float], k: int) -> SpectrumFit:
        fit = branch[k]
        return replace(fit, spectrum=replace(fit.spectrum, q_hkl=q, q_abs=float(k + 1)))

    (path,) = q_paths([at((1 + x, 0.5, -0.5 * x), k) for k, x in enumerate((0.3, 0.1, 0.2))])
    assert path.label == "ξ (r.l.u.), Q = (ξ, 0.5, 0.5 − 0.5 ξ)"
    np.testing.assert_allclose(path.position, [1.1, 1.2, 1.3])
    scattered = np.random.default_rng(3).uniform(-3, 3, (4, 3))
    (path,) = q_paths([at(tuple(q), k) for k, q in enumerate(scattered.tolist())])
    assert path.label == "|Q| (Å⁻¹)"
    np.testing.assert_array_equal(path.position, [1, 2, 3, 4])
    nowhere = replace(branch[0].spectrum, q_hkl=None, q_abs=None)
    assert q_paths([replace(branch[0], spectrum=nowhere)]) == ()


def test_a_scan_beside_the_line_is_left_out_and_named(branch: list[SpectrumFit]) -> None:
    beside = replace(branch[0], spectrum=replace(branch[0].spectrum, q_hkl=(1.4, 0.2, 0.25)))
    first = q_paths([*branch, beside])[0]
    assert first.left_out == (beside,)
    assert len(first.fits) == 5


def test_dispersion_shows_energies_errors_and_widths(branch: list[SpectrumFit]) -> None:
    figure = dispersion_figure(branch)
    energies, widths = figure.axes[:2]
    assert energies.get_ylabel() == "Mode energy (meV)"
    assert widths.get_ylabel() == "FWHM (meV)"
    assert widths.get_xlabel().startswith("ξ (r.l.u.), Q = (")
    shown = sorted(
        (float(c[0].get_xdata()[0]), float(c[0].get_ydata()[0])) for c in energies.containers
    )
    of_a0 = [fit for fit in branch if fit.spectrum.analyzer == "a0"]
    expected = sorted((f.spectrum.q_hkl[2], m.energy.value) for f in of_a0 for m in f.modes)
    np.testing.assert_allclose(shown, expected)
    bar = energies.containers[0][2][0].get_segments()[0]
    assert (bar[1, 1] - bar[0, 1]) / 2 == pytest.approx(of_a0[0].modes[0].energy.stderr)
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {"FWHM (bar)", "95 % upper limit", "overdamped", "uncertain"}


def test_temperatures_have_colours_and_markers(branch: list[SpectrumFit]) -> None:
    warm = [
        replace(f, spectrum=replace(f.spectrum, temperature_k=100.0 * (1 + i // 8)))
        for i, f in enumerate(branch)
    ]
    figure = dispersion_figure(warm)
    handles = figure.legends[0].legend_handles[:2]
    assert [t.get_text() for t in figure.legends[0].get_texts()[:2]] == ["100 K", "200 K"]
    assert handles[0].get_color() != handles[1].get_color()
    assert handles[0].get_marker() != handles[1].get_marker()


def test_overdamped_mode_has_its_own_marker(fit: SpectrumFit) -> None:
    damped = replace(fit, parameters=fit.parameters.copy())
    damped.parameters[1] = 3 * fit.parameters[0]
    energies = dispersion_figure([damped]).axes[0]
    markers = {c[0].get_marker() for c in energies.containers}
    assert markers == {"D", "o"}
    assert "* overdamped" in texts(spectrum_figure(damped))


def test_zeros_are_shown_from_their_median(branch: list[SpectrumFit]) -> None:
    figure = zeros_figure(branch)
    assert [axes.get_title(loc="left")[:2] for axes in figure.axes] == ["a0", "a1", "a2"]
    zeros = np.array([f.zero.value for f in branch if f.spectrum.analyzer == "a0"])
    shown = [float(c[0].get_ydata()[0]) for c in figure.axes[0].containers]
    np.testing.assert_allclose(shown, zeros - np.median(zeros), atol=1e-12)
    assert "(meV)" in texts(figure)


def resolution() -> ResolutionFit:
    energy = np.linspace(-12, 12, 161)
    expected = 20000 * R(energy - 0.2) + 3
    counts = np.random.default_rng(2).poisson(expected).astype(float)
    spectrum = Spectrum(energy, counts, np.ones(161), analyzer="a01", scan="3")
    return fit_resolution(spectrum, ResolutionOptions(max_components=2))


def test_resolution_figure_shows_fit_and_r() -> None:
    fit = resolution()
    figure = resolution_figure([fit, replace(fit, spectrum=replace(fit.spectrum, analyzer="a02"))])
    main, below = figure.axes[:2]
    assert main.get_yscale() == "log"
    assert main.get_shared_x_axes().joined(main, below)
    total, r = resolution_curves(fit, fit.spectrum.energy_mev, 1.0)
    np.testing.assert_allclose(total, fit.expected_counts, rtol=1e-9)
    np.testing.assert_allclose(r, total - fit.background, rtol=1e-6)  # nothing broad to cut off
    (residual,) = lines(below, "residual")
    assert np.sum(np.square(residual.get_ydata())) == pytest.approx(fit.deviance, rel=1e-6)
    assert "FWHM" in texts(figure)
    assert "(meV)" in texts(figure)
