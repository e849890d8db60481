"""Which settings measure wanted phonons in the least time, from calculated ones."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "calculation": ["Calculation", "PhononCalculation"],
        "conditions": [
            *("Calibration", "Conditions", "conditions_of", "estimated_calibration"),
            "measured_calibration",
        ],
        "cover": ["Cover", "least_time_cover", "lower_bound"],
        "discrimination": ["Decision", "deciding_momenta", "rate_divergence"],
        "eigenvector": [
            *("DeterminingSet", "determine_eigenvector", "determining_set", "mode_amplitudes"),
        ],
        "expected_counts": ["Beamtime", "expected_spectra"],
        "export": [
            *("beamline_lines", "plan_csv", "plan_json", "plan_record", "write_plan"),
            *("lines_of_settings", "setting_record", "zones_csv", "zones_record"),
        ],
        "figures": ["expected_spectra_grid", "map_of_plan", "zone_map"],
        "information": [
            *("ExpectedSpectrum", "Goal", "Precision", "automatic_scan", "expected_spectrum"),
            *("hours_to_goal", "precision", "scan_energies"),
        ],
        "plan": ["Plan", "PlannedSetting", "PlannedTarget", "make_plan", "plan_scan", "whole_scan"],
        "measured_rate": ["MeasuredRates", "rates_of_project"],
        "pictures": ["ExpectedPanel", "PlanPictures", "illustrate", "panel_of"],
        "placement": ["Placement", "longest_q", "nearest_placement", "place", "reach"],
        "plane": ["Plane", "hours_in_plane", "intensity_in_plane", "reach_in_plane"],
        "settings": ["Search"],
        "store": ["read_plan_result", "write_plan_result"],
        "targets": ["Target", "Wish", "parse_wish", "special_points_of", "targets_of"],
        "views": ["Zone", "rank_contrast", "rank_zones"],
        "zones": ["CrystalSymmetry", "Momenta", "momenta_of", "symmetry_of"],
    },
)
