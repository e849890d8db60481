"""The demonstration: from scans, structures and simulations to a report and pictures of the viewer.

It runs the commands that a user types, prints each with its seconds, and leaves the report,
the project and the tables in one folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ixs_core.errors import InputError
from ixs_core.report_command import report as report_command
from ixs_reduce.cli.fit import fit as fit_command
from ixs_reduce.cli.reduce import reduce as reduce_command
from ixs_reduce.cli.resolution import resolution as resolution_command
from mem.cli.mem import mem as mem_command
from sample_data.cscu2i3_crystal import FORCE_CONSTANTS
from sample_data.simulate_bl43lxu import EXPERIMENT, write_scans
from sample_data.simulate_frames import write_frames
from sample_data.simulate_structure_factors import write_structure_factors
from simulate.cli.kappa_measured import measured as measured_command
from simulate.cli.kappa_regimes import regimes as regimes_command
from simulate.cli.kappa_wigner import wigner as wigner_command
from simulate.cli.md_density import density as density_command
from simulate.cli.md_hops import hops as hops_command
from simulate.cli.md_linewidths import linewidths as linewidths_command
from simulate.cli.md_msd import msd as msd_command
from simulate.cli.md_pdos import pdos as pdos_command
from simulate.cli.md_sqw import sqw as sqw_command
from simulate.cli.overlay import overlay as overlay_command
from simulate.cli.plan import plan as plan_command
from simulate.cli.sqe import sqe as sqe_command

SAMPLES = Path(__file__).resolve().parent
WORKERS = "local:2"
SAMPLES_OF_NOISE = 16
IONS = "Cs1+,Cu1+,I1-"
PATHS = (
    "7 7 0 : 7 6 0 : 41",
    "4 4 0 : 5 4 0 : 41",
    "0 8 -2 : 0 8 -1 : 41",
    "6.552 5.672 0 : 7.429 6.948 0 : 61",  # along the simulated scans of the row below
)
CONSTANT_Q = ("7 6.3 0", "4.4 4.4 0", "6 6 -0.3")
ROW = "a03,a04,a05,a06,a07,a08,a09"
ZONES = ("7 7 0", "0 8 0", "4 4 0", "6 6 0")
TARGETS = tuple(
    f"{line} points=3 {modes}"
    for line in ("Γ-Y", "Γ-S", "Γ-Z")
    for modes in ("branch=1-2", "energy=3-5")
)
TITLE = "Demonstration: Cd2Os2O7 (measured) and CsCu2I3 (simulated)"
RUNS = tuple(FORCE_CONSTANTS.with_name(f"md_{kelvin}K_small.h5") for kelvin in (300, 600))
SIMULATED_Q = ("7 7 0", "7 6.5 0", "7 6 0", "7 5.5 0")
CREDITS = (
    "The scans of Cd2Os2O7 (file CdOsO) were measured at APS 30-ID (HERIX) in 2015 and come with "
    "spec2nexus 2021.2.8 by P. R. Jemian and contributors, under CC BY 4.0; they are used "
    "unchanged.",
    "The resolution functions used for them are fits to scans of PMMA at the same instrument "
    "(2018; scan file from HerixWorkbench).",
    "The force constants of CsCu2I3 were computed for ixs-suite with the moment tensor potential "
    "of Y. Li et al., Adv. Mater. (2025), doi:10.1002/adma.202513381 (sample_data/cscu2i3/NOTICE).",
    "The molecular dynamics of CsCu2I3 (md_300K_small.h5, md_600K_small.h5) was computed for "
    "ixs-suite with the same potential.",
    "All data of simulated_CsCu2I3_bl43lxu.spec were computed by sample_data/simulate_bl43lxu.py; "
    "nothing of them was measured.",
    "The structure factors simulated_CsCu2I3_300K.cif and _500K.cif were computed by "
    "sample_data/simulate_structure_factors.py from structure parameters published by Y. Li et "
    "al. (as above); nothing of them was measured. In the crystal behind the 500 K set 4 % of the "
    "copper is halfway between its sites along a, which the model in the file does not know.",
)


def main(report_folder: Path) -> None:
    """Run every stage into a folder; the report is its index.html."""
    started = time.perf_counter()
    report_folder.mkdir(parents=True, exist_ok=True)
    project = report_folder / "demo.h5"
    # The demonstration starts afresh: its project is its own output.
    project.unlink(missing_ok=True)
    measured(project, report_folder)
    simulated(project, report_folder)
    planned(project, report_folder)
    densities(project, report_folder)
    dynamics(project, report_folder)
    conductivity(project)
    stage(
        f"ixs report {project} -o {report_folder} --note …",
        lambda: report_command(project, report_folder, title=TITLE, note=list(CREDITS)),
    )
    pictures = screenshots(project, report_folder)
    print(f"\n{time.perf_counter() - started:.0f} s in all")
    print(f"viewer:  {pictures.resolve()}  (pictures; `make view` opens it)")
    print(f"report:  {(report_folder / 'index.html').resolve()}")
    print(f"project: {project.resolve()}  (HDF5/NeXus)")


def measured(project: Path, folder: Path) -> None:
    """Twelve real scans of Cd2Os2O7 at HERIX: zeros found, modes searched."""
    scans = cd2os2o7_scans()
    resolution = SAMPLES / "herix30id_resolution.json"
    table = folder / "modes_Cd2Os2O7.csv"
    stage(
        f"ixs reduce {scans.name} -o {project} --scans 58-69",
        lambda: reduce_command([scans], project, scans="58-69"),
    )
    stage(
        f"ixs fit {project} --resolution {resolution.name} --modes auto --csv {table}",
        lambda: fit_command(
            project, resolution=resolution, scans="58-69", csv=table, scheduler=WORKERS
        ),
    )


def simulated(project: Path, folder: Path) -> None:
    """Simulated scans of a CsCu2I3-like crystal on 28 analyzers at 300 and 600 K."""
    table = folder / "modes_simulated_CsCu2I3.csv"
    scans = write_scans(folder / "simulated_CsCu2I3_bl43lxu.spec")
    stage(
        f"ixs resolution {scans.name} --scans 1 -o {project}   (simulated)",
        lambda: resolution_command([scans], project, scans="1"),
    )
    stage(
        f"ixs reduce {scans.name} -o {project} --scans 2-5 --merge   (simulated)",
        lambda: reduce_command([scans], project, scans="2-5", merge=True, experiment=EXPERIMENT),
    )
    stage(
        f"ixs sqe {FORCE_CONSTANTS.name} --at {project} --scans 2-4 --form-factor {IONS}",
        lambda: sqe_command(FORCE_CONSTANTS, at=project, scans="2-4", form_factor=IONS),
    )
    stage(
        f"ixs fit {project} --scans 2-4 --modes predicted --csv {table}   (simulated)",
        lambda: fit_command(project, scans="2-4", modes="predicted", csv=table, scheduler=WORKERS),
    )
    stage(
        f"ixs fit {project} --scans 5 --analyzers {ROW}   (simulated, 600 K)",
        lambda: fit_command(project, scans="5", analyzers=ROW, scheduler=WORKERS),
    )


def planned(project: Path, folder: Path) -> None:
    """The next beamtime on CsCu2I3: what to expect along three lines, and a plan in four zones."""
    for path in PATHS:
        stage(
            f'ixs sqe {FORCE_CONSTANTS.name} --path "{path}" -o {project}',
            lambda path=path: sqe_command(  # type: ignore[misc]
                FORCE_CONSTANTS, path=path, form_factor=IONS, experiment=EXPERIMENT, output=project
            ),
        )
    points = " ".join(f'--q "{q}"' for q in CONSTANT_Q)
    stage(
        f"ixs sqe {FORCE_CONSTANTS.name} {points} --fwhm 1.5 --linewidth 0.5 -o {project}",
        lambda: sqe_command(
            FORCE_CONSTANTS,
            q=list(CONSTANT_Q),
            form_factor=IONS,
            experiment=EXPERIMENT,
            fwhm=1.5,
            linewidth="0.5",
            output=project,
        ),
    )
    wishes = " ".join(f'--target "{target}"' for target in TARGETS)
    zones = " ".join(f'--zone "{zone}"' for zone in ZONES)
    stage(
        f"ixs plan {FORCE_CONSTANTS.name} --experiment {EXPERIMENT.name} {wishes} {zones} "
        f"--resolution {project} --calibrate {project} -o {project}",
        lambda: plan_command(
            FORCE_CONSTANTS,
            EXPERIMENT,
            target=list(TARGETS),
            zone=list(ZONES),
            form_factor=IONS,
            resolution=project,
            calibrate=project,
            output=project,
        ),
    )


def densities(project: Path, folder: Path) -> None:
    """Electron densities of simulated structure factors at 300 and 500 K, with their tests."""
    files = write_structure_factors(folder)
    maps = folder / "densities"
    stage(
        f'ixs mem {" ".join(file.name for file in files)} --plane "0 1 0" --path Cu '
        f"--bootstrap {SAMPLES_OF_NOISE} -o {project} -o {maps}   (simulated)",
        lambda: mem_command(
            files,
            output=[project, maps],
            plane=["0 1 0"],
            path=["Cu"],
            bootstrap=SAMPLES_OF_NOISE,
        ),
    )


def dynamics(project: Path, folder: Path) -> None:
    """Molecular dynamics of CsCu2I3 at 286 and 597 K, beside phonons and over the spectra."""
    points = " ".join(f'--q "{q}"' for q in SIMULATED_Q)
    stage(
        f'ixs md sqw {RUNS[0].name} {points} --supercell "2 2 3" --phonons '
        f"{FORCE_CONSTANTS.name} --linewidth 0.3 --form-factor {IONS} -o {project}",
        lambda: sqw_command(
            RUNS[0],
            list(SIMULATED_Q),
            supercell="2 2 3",
            phonons=FORCE_CONSTANTS,
            linewidth="0.3",
            form_factor=IONS,
            output=project,
        ),
    )
    for run in RUNS:
        stage(
            f"ixs md pdos {run.name} --resolution 1 -o {project}",
            lambda run=run: pdos_command(run, resolution=1.0, output=project),  # type: ignore[misc]
        )
        stage(
            f"ixs md msd {run.name} --framework Cs,I -o {project}",
            lambda run=run: msd_command(run, framework="Cs,I", output=project),  # type: ignore[misc]
        )
        stage(
            f"ixs md hops {run.name} -o {project}",
            lambda run=run: hops_command(run, output=project),  # type: ignore[misc]
        )
    stage(
        f'ixs md linewidths {RUNS[0].name} --force-constants {FORCE_CONSTANTS.name} --q "7 7 0" '
        f"-o {project}",
        lambda: linewidths_command(RUNS[0], FORCE_CONSTANTS, ["7 7 0"], output=project),
    )
    structure = folder / "simulated_CsCu2I3_300K.cif"
    stage(
        f"ixs md density {RUNS[0].name} --structure {structure.name} -o {project}",
        lambda: density_command(RUNS[0], [project], structure=structure),
    )
    predictions = [*RUNS, FORCE_CONSTANTS]
    stage(
        f"ixs overlay {project} {' '.join(file.name for file in predictions)} --scans 2-5 "
        f"--form-factor {IONS} --linewidth 0.5 --within 0.12 -o {folder / 'overlay.pdf'}",
        lambda: overlay_command(
            project,
            predictions,
            output=folder / "overlay.pdf",
            scans="2-5",
            form_factor=IONS,
            linewidth="0.5",
            within=0.12,
        ),
    )


def conductivity(project: Path) -> None:
    """Lifetimes of spectra and simulation between their limits; κ with the measured widths."""
    name = FORCE_CONSTANTS.name
    stage(
        f"ixs kappa regimes --force-constants {name} --project {project} --scans 2-4 -o {project}",
        lambda: regimes_command(
            force_constants=FORCE_CONSTANTS, project=project, scans="2-4", output=project
        ),
    )
    stage(
        f'ixs kappa wigner {name} 0.5 --mesh "5 5 5" -o {project}',
        lambda: wigner_command(FORCE_CONSTANTS, "0.5", mesh="5 5 5", output=project),
    )
    stage(
        f'ixs kappa measured {name} 0.5 --mesh "5 5 5" --project {project} --scans 2-4 '
        f"--temperature 300 -o {project}",
        lambda: measured_command(
            FORCE_CONSTANTS,
            "0.5",
            project=project,
            scans="2-4",
            temperature=300.0,
            mesh="5 5 5",
            output=project,
        ),
    )


def screenshots(project: Path, folder: Path) -> Path:
    """Pictures of the viewer's tabs, light and dark, in a process that needs no screen."""
    frames = write_frames(folder / "frames")
    pictures = folder / "screenshots"
    arguments = (
        *("view", str(project), str(frames[0]), "--tab", "all", "--theme", "all"),
        *("--screenshot", str(pictures / "{tab}-{theme}.png")),
    )
    program = "from ixs_core.cli import main; main()"

    def run() -> None:
        ended = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            check=False,
        )
        if ended.returncode:
            raise InputError("the viewer's pictures failed", found=f"exit code {ended.returncode}")

    stage(f"ixs {' '.join(arguments)}", run)
    return pictures


def cd2os2o7_scans() -> Path:
    """The SPEC file of Cd2Os2O7 inside the installed spec2nexus wheel (CC BY 4.0), as data."""
    spec = find_spec("spec2nexus")
    found = Path(spec.origin).parent / "data" / "CdOsO" if spec and spec.origin else None
    if found is None or not found.is_file():
        raise InputError(
            "the real scans of the demonstration are not installed",
            key="spec2nexus==2021.2.8",
            hint="pip install 'ixs-suite[demo]', or `make demo`",
        )
    return found


def stage(title: str, run: Callable[[], None]) -> None:
    """Print a command, run it, print its seconds."""
    print(f"\n$ {title}", flush=True)
    started = time.perf_counter()
    run()
    print(f"  {time.perf_counter() - started:.1f} s", flush=True)
