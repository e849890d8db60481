"""Lifetimes, thermal conductivity and heat fluxes on the measured axes."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "audit": ["Audit", "audit_tensor"],
        "kappa_from_measured": ["MeasuredKappa", "measured_kappa"],
        "measured_widths": ["MeasuredWidths", "read_project_widths", "read_width_csv"],
        "mode_table": ["ModeTable", "SpectralKappa", "spectral_kappa"],
        "point_group": ["PointGroup"],
        "wigner": ["WignerKappa", "wigner_kappa", "wigner_series"],
        "wigner_store": ["read_wigner", "write_wigner"],
        "cepstral": ["CepstralKappa", "cepstral_kappa"],
        "flux_integral": ["FluxIntegral"],
        "formats.gpumd_hac": ["read_gpumd_hac"],
        "formats.heat_flux": ["read_heat_flux"],
        "formats.kappa_table": ["KappaTable", "add_kappa_tables", "read_kappa_table"],
        "kappa_from_flux": ["GreenKubo", "green_kubo"],
        "green_kubo_store": [
            *("read_green_kubo", "read_power_laws"),
            *("write_green_kubo", "write_power_laws"),
        ],
        "heat_flux": ["HeatFlux"],
        "materials": ["Material", "read_materials"],
        "power_law": ["PowerLaw", "fit_power_law", "fit_table"],
        "force_constant_clusters": [
            *("ForceConstantClusters", "read_force_constant_clusters"),
            "write_force_constant_clusters",
        ],
        "lifetimes": ["Linewidths"],
        "linewidths_store": ["read_stored_linewidths", "write_linewidths"],
        "mesh_widths": ["LinewidthSeries", "MeshLinewidths"],
        "phono3py_run": ["Phono3pyRun", "phono3py_linewidths", "run_phono3py"],
        "reading": ["read_linewidths"],
        "rta": ["kappa_rta", "mean_kappa_rta"],
        "third_order_supercell": ["third_order_in_supercell", "write_third_order"],
    },
)
