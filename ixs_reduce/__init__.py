"""Measured scans -> spectra -> fitted modes."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "mode_merging": ["EffectiveMode", "effective_modes"],
        "expected_precision": ["expected_covariance", "expected_errors"],
        "fitting": ["ModeFit", "SpectrumFit", "Value", "fit_spectrum"],
        "global_fit": ["GlobalFit", "SharedValue", "SharingTest", "fit_global"],
        "goodness": ["Goodness"],
        "lineshape": ["bose_factor", "dho"],
        "convolution": ["convolved_dho"],
        "predicted_fit": ["fit_predicted"],
        "predicted_modes": ["PredictedModes"],
        "posterior": ["Posterior", "Quantiles", "sample_posterior"],
        "profile": ["profile_interval", "upper_limit", "with_width_limits"],
        "resolution": ["Resolution"],
        "scan": ["Analyzer", "Flag", "Scan", "Source"],
        "spectrum": ["Spectrum"],
        "spectrum_model": ["SpectrumModel"],
    },
)
