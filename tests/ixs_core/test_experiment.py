"""The experiment file: what it may hold, and what is said of what it may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from typer.testing import CliRunner

from ixs_core.cli import app
from ixs_core.errors import InputError
from ixs_core.experiment import Experiment, load_experiment
from ixs_core.experiment_errors import line_of
from ixs_core.experiment_template import TEMPLATE


def _uncommented(*without: str) -> str:
    """The template with every key set, but for the alternatives named."""
    others = re.sub(rf"(?m)^# ({'|'.join(without)}) = .*\n", "", TEMPLATE)
    return re.sub(r"(?m)^# (?=\w+ = )", "", others)


FIRST_CHOICES = _uncommented("or0", "or1", "energy_kev", "analyzers")
OTHER_CHOICES = _uncommented("config", "order")


def load(folder: Path, text: str) -> Experiment:
    path = folder / "exp.toml"
    path.write_text(text, encoding="utf-8")
    return load_experiment(path)


def test_template_as_written_says_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, TEMPLATE) == Experiment()


@pytest.mark.parametrize("text", [FIRST_CHOICES, OTHER_CHOICES])
def test_template_loads_with_everything_uncommented(tmp_path: Path, text: str) -> None:
    experiment = load(tmp_path, text)
    assert experiment.sample.cell == (10.48, 13.04, 6.06, 90, 90, 90)
    assert experiment.analyzers.zero_mev == {"a03": 0.12}


def test_template_shows_every_key() -> None:
    for table, field in Experiment.model_fields.items():
        assert f"[{table}]" in TEMPLATE
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for key in model.model_fields:
            assert re.search(rf"(?m)^# {key} = ", TEMPLATE), f"{table}.{key}"


def test_paths_start_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run1").mkdir()
    load(tmp_path / "run1", "")
    (tmp_path / "run1" / "exp.toml").write_text(
        '[sample]\ncif = "../x.cif"\n[analyzers]\nresolution = "/data/R.h5"\n'
        '[reduction]\nbackground = [{file = "empty.spec"}]\n'
    )
    monkeypatch.chdir(tmp_path)
    experiment = load_experiment("run1/exp.toml")
    assert experiment.sample.cif is not None
    assert experiment.sample.cif.resolve() == tmp_path / "x.cif"
    assert experiment.analyzers.resolution == Path("/data/R.h5")
    assert experiment.reduction.background[0].file == tmp_path / "run1" / "empty.spec"
    assert experiment.reduction.background[0].transmission == 1.0


@pytest.mark.parametrize("value", ["2.639e-6", '"id28"', '"integral"'])
def test_expansion_is_a_number_or_a_formula(tmp_path: Path, value: str) -> None:
    alpha = load(tmp_path, f"[reduction]\nalpha = {value}\n").reduction.alpha
    assert alpha == (2.639e-6 if value[0] == "2" else value.strip('"'))


def test_experiment_cannot_be_changed(tmp_path: Path) -> None:
    experiment = load(tmp_path, "")
    with pytest.raises(ValidationError):
        experiment.sample.name = "other"  # type: ignore[misc]


def test_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff[sample]\nname = 'x'\n").sample.name == "x"


BAD = [
    ("[sample]\ntemprature_k = 3", 2, "sample.temprature_k", "did you mean 'temperature_k'"),
    ("\n[smaple]\nname = 'x'", 2, "smaple", "did you mean 'sample'"),
    ("[beam]\norder = 11", 2, "beam.order", r"belongs into \[spectrometer\]"),
    ("[beam]\nzzz = 11", 2, "beam.zzz", "one of flux_photons_s, spot_um"),
    ("sample.nme = 'x'", 1, "sample.nme", "did you mean 'name'"),
    ("[sample]\n# c\ncell = [1, 2, 3]", 3, "sample.cell", "too few values; found 3"),
    ("[sample]\ncell = [1, 2, 3, 90, 90, 90, 9]", 2, "sample.cell", "at most 6"),
    ("[sample]\ncell = [1, 2, 3, 60, 60, 170]", 2, "sample.cell", "angles of a real cell"),
    ("[sample]\ncell = [1, -2, 3, 90, 90, 90]", 2, "sample.cell.1", "greater than 0; found -2"),
    ("[sample]\ntemperature_k = '300'", 2, "sample.temperature_k", "without quotes"),
    ("[sample]\ntemperature_k = true", 2, "sample.temperature_k", "without quotes"),
    ("[sample]\ntemperature_k = nan", 2, "sample.temperature_k", "finite"),
    ("[sample]\ntemperature_k = 0", 2, "sample.temperature_k", "greater than 0"),
    ("[sample]\nname = 3", 2, "sample.name", "string; found 3"),
    ("sample = 3", 1, "sample", "a table of keys is expected"),
    ("[orientation]\nfrozen = '445'", 2, "orientation.frozen", "three different digits"),
    ("[orientation]\nfrozen = 456", 2, "orientation.frozen", "string"),
    (
        "[orientation]\nor0 = {hkl = [1, 0, 0], tth = 9, th = 4}",
        2,
        "orientation.or0",
        "come together",
    ),
    (
        "[orientation.or0]\nhkl = [1, 0, 0]\ntth = 9\nth = 4\n"
        "[orientation.or1]\nhkl = [-2, 0, 0]\ntth = 9\nth = 4",
        5,
        "orientation.or1",
        "parallel",
    ),
    (
        "[orientation]\nor0 = {hkl = [1, 0, 0], th = 4}\nor1 = {hkl = [0, 1, 0], tth = 9, th = 4}",
        2,
        "orientation.or0.tth",
        "missing",
    ),
    ("[spectrometer]\norder = 11\nenergy_kev = 20", 3, "spectrometer.energy_kev", "not both"),
    ("[spectrometer]\nlimits = {tth = [3, 1]}", 2, "spectrometer.limits.tth", "lower limit"),
    ("[spectrometer]\nlimits = {theta = [1, 3]}", 2, "spectrometer.limits.theta", "'tth'"),
    ("[spectrometer]\norder = 11.5", 2, "spectrometer.order", "integer"),
    ("[analyzers]\nefficiency = {a03 = -1}", 2, "analyzers.efficiency.a03", "greater than 0"),
    ("[reduction]\nalpha = 'ID28'", 2, "reduction.alpha", "2.639e-6"),
    ("[reduction]\nalpha = 2.6", 2, "reduction.alpha", "1/K"),
    ("[reduction]\ndead_time_us = -1", 2, "reduction.dead_time_us", "greater than or equal"),
    (
        "[[reduction.background]]\nfile = 'a'\n[[reduction.background]]\nfile = 'b'\nfil = 1",
        5,
        "reduction.background.1.fil",
        "did you mean 'file'",
    ),
]


@pytest.mark.parametrize(("text", "line", "key", "said"), BAD)
def test_what_is_wrong_is_said_with_line_and_key(
    tmp_path: Path, text: str, line: int, key: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        load(tmp_path, text)
    assert (caught.value.line, caught.value.key) == (line, key)
    assert caught.value.file == tmp_path / "exp.toml"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[sample]\nname = x", 2),
        ("[sample\n", 1),
        ("a = 1\na = 2", 2),
        ("[sample]\nname = 'x", 2),
        ("x = [1,\n\n\n", 1),
    ],
)
def test_what_is_no_toml_is_said_with_the_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(InputError, match="not TOML") as caught:
        load(tmp_path, text)
    assert caught.value.line == line
    assert "(at " not in str(caught.value)


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'sample.nam'.*and 2 more"):
        load(tmp_path, "[beam]\nspot_um = [1, -1]\n[sample]\nnam = 1\ncif = 3\n")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such experiment file.*ixs init"):
        load_experiment(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_experiment(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"not UTF-8.*0xff"):
        load_experiment(tmp_path / "x.toml")


def test_line_of_a_key_is_not_that_of_its_namesake() -> None:
    text = "[sample]\nname = 'a'\n\n[spectrometer]\n  name = 'b'  # name\n\"order\" = 11\n"
    assert line_of(text, ("spectrometer", "name")) == 5
    assert line_of(text, ("spectrometer", "order")) == 6
    assert line_of(text, ("beam", "spot_um")) is None


def test_init_writes_the_template_once(tmp_path: Path) -> None:
    path = tmp_path / "exp.toml"
    ended = CliRunner().invoke(app, ["init", str(path)])
    assert (ended.exit_code, ended.stdout.strip()) == (0, str(path))
    assert path.read_text(encoding="utf-8") == TEMPLATE
    path.write_text("mine")
    ended = CliRunner().invoke(app, ["init", str(path)])
    assert isinstance(ended.exception, InputError)
    assert "--force" in str(ended.exception)
    assert path.read_text() == "mine"
    assert CliRunner().invoke(app, ["init", str(path), "--force"]).exit_code == 0
    assert path.read_text(encoding="utf-8") == TEMPLATE
