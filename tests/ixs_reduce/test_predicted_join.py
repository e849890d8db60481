"""Fitted beside calculated modes: joined by label, scales in closed form, figures that explain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_reduce.figures import dispersion_figure, predicted_figure, spectrum_figure
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.predicted_join import INTENSITY_TRUST, Joined, join_predictions
from tests.ixs_reduce.small_fits import small_fit, small_spectrum
from tests.ixs_reduce.test_predicted_modes import predicted


def labelled(analyzer: str, scan: str, branches: tuple[str, ...]) -> SpectrumFit:
    """A fit of two modes, at 5 and 9 meV, under given labels."""
    spectrum = replace(small_spectrum(), analyzer=analyzer, scan=scan)
    return replace(small_fit(spectrum, starts=1), branches=branches)


def of(analyzer: str, scan: str, energy: list[float], intensity: list[float], **more: object):
    return replace(predicted(energy, intensity, **more), analyzer=analyzer, scan=scan)


@pytest.fixture(scope="module")
def joined() -> Joined:
    fits = [labelled("a1", "61", ("1", "2+3")), labelled("a2", "61", ("2", "3"))]
    fits += [labelled("a1", "62", ("1", "2+3")), labelled("a9", "61", ("1", "2"))]
    modes = [
        of("a1", "61", [4.9, 8.6, 9.0], [2.0, 1.0, 1.0], fwhm_mev=[0.5, np.nan, np.nan]),
        of("a2", "61", [2.0, 4.8, 8.9], [1.0, 2.0, 1.5]),
        of("a1", "62", [4.9, 8.6, 9.0], [20.0, 10.0, 10.0]),
    ]
    return join_predictions(fits, {m.key: m for m in modes})


def test_modes_are_joined_by_their_labels(joined: Joined) -> None:
    assert [mode.calculated.branch for mode in joined.modes] == ["1", "2+3", "2", "3", "1", "2+3"]
    assert joined.modes[2].calculated.energy_mev == 4.8
    assert 8.6 < joined.modes[1].calculated.energy_mev < 8.8 + 1e-9
    first = joined.modes[0]
    assert first.difference_mev == pytest.approx(first.mode.energy.value - 4.9)
    assert first.sigmas == pytest.approx(first.difference_mev / first.mode.energy.stderr)
    assert first.calculated_fwhm_mev == 0.5
    assert np.isnan(joined.modes[1].calculated_fwhm_mev)


def test_intensities_of_a_scan_share_one_scale(joined: Joined) -> None:
    """Least squares written out; the same counts against tenfold intensities: a tenth."""
    scale, error = joined.intensity_scales["run.spec", "61"]
    own = [mode for mode in joined.modes if mode.fit.spectrum.scan == "61"]
    amplitude = np.array([mode.mode.amplitude.value for mode in own])
    sigma = np.hypot([m.mode.amplitude.stderr for m in own], INTENSITY_TRUST * amplitude)
    calculated = np.array([mode.calculated.intensity for mode in own])
    design, target = calculated / sigma, amplitude / sigma
    (expected,), *_ = np.linalg.lstsq(design[:, None], target, rcond=None)
    assert scale == pytest.approx(expected, rel=1e-12)
    assert error == pytest.approx(1 / np.linalg.norm(design), rel=1e-12)
    assert joined.intensity_scales["run.spec", "62"][0] == pytest.approx(
        _alone(joined, "62"), rel=1e-12
    )
    assert own[0].intensity == pytest.approx(amplitude[0] / scale)


def _alone(joined: Joined, scan: str) -> float:
    own = [mode for mode in joined.modes if mode.fit.spectrum.scan == scan]
    amplitude = np.array([mode.mode.amplitude.value for mode in own])
    weight = 1 / (
        np.array([mode.mode.amplitude.stderr for mode in own]) ** 2
        + (INTENSITY_TRUST * amplitude) ** 2
    )
    calculated = np.array([mode.calculated.intensity for mode in own])
    return float((weight * amplitude * calculated).sum() / (weight * calculated**2).sum())


def test_the_scale_of_energies_is_found() -> None:
    fit = labelled("a1", "61", ("1", "2"))
    energies = [mode.energy.value / 1.04 for mode in fit.modes]
    modes = of("a1", "61", energies, [1.0, 1.0])
    found = join_predictions([fit], {modes.key: modes})
    assert found.energy_scale == pytest.approx(1.04, rel=1e-12)
    assert found.scatter_mev == pytest.approx(0.0, abs=1e-12)


def test_what_has_no_counterpart_has_no_part() -> None:
    modes = of("a1", "61", [4.9, 9.0], [1.0, 1.0])
    unlabelled = replace(labelled("a1", "61", ()), branches=())
    outdated = labelled("a1", "61", ("7", "TA"))
    found = join_predictions([unlabelled, outdated], {modes.key: modes})
    assert found.modes == ()
    assert np.isnan(found.energy_scale)


def test_the_comparison_explains_itself(joined: Joined) -> None:
    figure = predicted_figure(joined)
    energies, residuals, intensities, widths = figure.axes
    assert "meV" in energies.get_ylabel()
    assert "σ" in residuals.get_ylabel()
    assert "e² per cell" in intensities.get_xlabel()
    assert "FWHM (meV)" in widths.get_ylabel()
    texts = [text.get_text() for text in energies.get_legend().get_texts()]
    assert any("all energies ×" in text for text in texts)
    none = replace(joined, modes=())
    assert "no fitted mode" in predicted_figure(none).texts[0].get_text()


def test_ticks_at_both_sides_have_the_colour_of_their_mode() -> None:
    fit = labelled("a1", "61", ("1", "2+3"))
    modes = of("a1", "61", [4.9, 8.6, 9.0, 40.0], [2.0, 1.0, 1.0, 1.0])
    main = spectrum_figure(fit, predicted=modes).axes[0]
    ticks = [line for line in main.lines if str(line.get_label()).endswith("calculated")]
    places = sorted(float(line.get_xdata()[0]) for line in ticks)
    assert places == [-9.0, -8.6, -4.9, 4.9, 8.6, 9.0]
    color = {abs(float(line.get_xdata()[0])): line.get_color() for line in ticks}
    assert color[8.6] == color[9.0] != color[4.9]
    labels = main.get_legend_handles_labels()[1]
    assert labels.count("calculated") == 1


def test_dispersions_show_calculated_modes_as_dashes() -> None:
    fits, modes = [], []
    for i in range(4):
        q = (1.0, 0.1 * i, 0.0)
        fit = labelled("a1", str(61 + i), ("1", "2"))
        fits.append(replace(fit, spectrum=replace(fit.spectrum, q_hkl=q)))
        modes.append(replace(of("a1", str(61 + i), [4.9, 9.0], [1.0, 0.2]), q_hkl=np.array(q)))
    figure = dispersion_figure(fits, predictions={m.key: m for m in modes})
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "calculated" in texts
    assert {"1", "2"} <= set(texts)
    plain = dispersion_figure(fits)
    assert "calculated" not in [text.get_text() for text in plain.legends[0].get_texts()]
