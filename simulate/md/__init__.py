"""Molecular dynamics beside the measurement."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "anharmonic_force_constants": ["AnharmonicForceConstants"],
        "arrhenius": ["Arrhenius", "haven_ratio", "nernst_einstein"],
        "barriers": ["Barrier", "energy_barrier", "ion_potential", "polynomial_potential"],
        "calculators": ["calculator_by_name"],
        "density_comparison": ["View", "compare_maps", "side_by_side"],
        "density_map": [
            *("MdDensity", "electron_density", "fold_onto", "md_density", "number_density"),
        ],
        "density_map_store": ["list_md_densities", "read_md_density", "write_md_density"],
        "density_modes_store": ["cached_density_modes", "read_density_modes"],
        "density_sums": ["DensityModes", "density_modes"],
        "diffusion_coefficient": ["Diffusion", "diffusion", "diffusion_table"],
        "displacements": ["MeanSquareDisplacement", "mean_square_displacement"],
        "force_constant_files": ["write_phono3py", "write_shengbte"],
        "force_constant_fit": ["EffectiveForceConstants", "effective_force_constants"],
        "force_snapshots": ["ForceSnapshots", "read_force_snapshots"],
        "heat_flux": ["HeatFluxSeries", "write_heat_flux"],
        "hop_statistics": ["HopRate", "hop_rate", "jump_diffusion", "residence_survival"],
        "hopping": ["Hops", "hops", "jump_matrix"],
        "ion_jumps": ["IonJump", "ion_jump", "vacancy_ends"],
        "ion_trajectories": ["IonMotion", "IonPaths", "ion_motion", "ion_paths"],
        "lammps_input": ["lammps_files", "write_lammps_files"],
        "map_frame": ["DensityFrame", "density_frame"],
        "measured_overlay": ["overlay_spectrum", "through_resolution"],
        "mode_lines": ["ModeLinewidths", "mode_linewidths"],
        "mode_projection": ["ModeSpectra", "project_modes"],
        "moment_tensor_calculator": ["MomentTensorCalculator"],
        "moment_tensor_potential": ["read_moment_tensor_potential"],
        "neb": ["JumpBarriers", "jump_barriers"],
        "reading": ["read_trajectory"],
        "relaxation": ["RelaxedCrystal", "relaxed_crystal"],
        "run": ["RunSettings", "run_dynamics", "store_run"],
        "scattering_in_time": ["IntermediateScattering", "intermediate_scattering"],
        "scattering_spectrum": ["DynamicStructureFactor", "dynamic_structure_factor"],
        "self_correlation": ["VanHove", "van_hove"],
        "store": ["write_store"],
        "trajectory": ["FrameBlock", "FrameSource", "Trajectory"],
        "vibrational_states": ["PhononDos", "phonon_dos"],
    },
)
