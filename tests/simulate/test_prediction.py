"""Predictions at spectra: the model at each spectrum's own Q, with the acceptance's spread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.spectrum import Spectrum
from simulate.phonons import PhononModel
from simulate.prediction import predict_spectra

FORCE_CONSTANTS = (
    Path(__file__).resolve().parents[2]
    / "sample_data"
    / "cscu2i3"
    / "phonopy_params_eff300K.yaml.xz"
)


@pytest.fixture(scope="module")
def model() -> PhononModel:
    return PhononModel.load(FORCE_CONSTANTS)


def spectrum(**given: object) -> Spectrum:
    energy = np.arange(-5.0, 6.0)
    settings: dict[str, object] = {"q_hkl": (7.0, 6.3, 0.1), "temperature_k": 300.0}
    return Spectrum(energy, np.ones(11), np.ones(11), **(settings | given))  # type: ignore[arg-type]


def test_each_spectrum_gets_its_own_q_and_temperature(model: PhononModel) -> None:
    spectra = [
        spectrum(analyzer="a03"),
        spectrum(analyzer="a04", q_hkl=(4.4, 4.4, 0.0), temperature_k=100.0),
        spectrum(analyzer="a05", temperature_k=None),
    ]
    found = predict_spectra(model, spectra, temperature_k=100.0, linewidth=0.4, source="eff")
    assert [modes.analyzer for modes in found] == ["a03", "a04", "a05"]
    assert [modes.temperature_k for modes in found] == [300.0, 100.0, 100.0]
    for modes, one in zip(found, spectra, strict=True):
        lines = model.structure_factor(one.q_hkl, modes.temperature_k)
        np.testing.assert_allclose(modes.energy_mev, lines.energy_mev[0], rtol=1e-10)
        np.testing.assert_allclose(modes.intensity, lines.intensity[0], rtol=1e-8, atol=1e-12)
        assert (modes.fwhm_mev == 0.4).all()
        assert (modes.spread_mev == 0).all()  # the spectra say nothing of their acceptance


def test_spread_is_that_of_energies_drawn_from_the_accepted_window(model: PhononModel) -> None:
    width = np.array([0.06, 0.04, 0.02])
    (modes,) = predict_spectra(model, [spectrum(dq_hkl=tuple(width))])
    random = np.random.default_rng(1)
    q = np.array([7.0, 6.3, 0.1]) + random.uniform(-0.5, 0.5, (4000, 3)) * width
    drawn = model.modes(q).energy_mev.std(axis=0)
    # first order in the window; crossing branches are not followed by their order in energy
    lowest = slice(0, 2)
    np.testing.assert_allclose(modes.spread_mev[lowest], drawn[lowest], rtol=0.08)


def test_spectra_without_q_or_temperature_are_errors(model: PhononModel) -> None:
    with pytest.raises(InputError, match="no hkl"):
        predict_spectra(model, [spectrum(q_hkl=None)])
    with pytest.raises(InputError, match="temperature"):
        predict_spectra(model, [spectrum(temperature_k=None)])
