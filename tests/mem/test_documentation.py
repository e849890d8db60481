"""The Python of docs/density.md runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from sample_data.simulate_structure_factors import write_structure_factors

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_example_of_the_documentation_runs(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "density.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert "from mem import read_reflections, reconstruct" in example
    write_structure_factors(tmp_path)
    here = example.replace("300K.cif", "simulated_CsCu2I3_300K.cif").replace("=0.05", "=0.2")
    done = subprocess.run(
        [sys.executable, "-c", here], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    chi2, r_factor, electrons = map(float, done.stdout.split())
    assert abs(chi2 - 1) < 0.002
    assert 0 < r_factor < 0.1
    assert abs(electrons - 1088) < 1e-6
    assert (tmp_path / "density.pgrid").is_file()
