"""`ixs mem --choose`: targets and weights compared by reflections that were left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ixs_core.provenance import plain
from ixs_core.terminal_tables import Column, print_table

if TYPE_CHECKING:
    from mem.analysis_options import AnalysisOptions
    from mem.leave_out import SettingsChoice
    from mem.reflections import Reflections


def choose_and_show(data: Sequence[Reflections], options: AnalysisOptions, as_json: bool) -> None:
    """Compare settings for every data set and print the tables, or JSON.

    Raises
    ------
    InputError
        From `choose_settings`.
    Cancelled
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from mem.analysis_options import reconstruction_settings
    from mem.leave_out import choose_settings

    choices = []
    with interrupt_cancels("stopping") as cancel:
        for one in data:
            settings = reconstruction_settings(options, one)
            del settings["target"], settings["weighting"]
            with terminal_progress(f"settings for {one.source}", silent=as_json) as progress:
                choices.append(
                    choose_settings(
                        one, seed=options.seed, progress=progress, cancel=cancel, **settings
                    )
                )
    if as_json:
        records = [_record(one.source, choice) for one, choice in zip(data, choices, strict=True)]
        print(json.dumps(records if len(records) > 1 else records[0], ensure_ascii=False))
        return
    for one, choice in zip(data, choices, strict=True):
        _show(one.source, choice)


def _show(source: str, choice: SettingsChoice) -> None:
    columns = [
        *map(Column, ("weights", "target", "R free (%)", "R work (%)", "χ² free")),
        Column("", text=True),
    ]
    rows = [
        [
            f"d^{score.weighting:g}",
            f"{score.target:g}",
            f"{100 * score.r_free:.2f}",
            f"{100 * score.r_work:.2f}",
            f"{score.chi2_free:.3g}",
            score.note,
        ]
        for score in choice.scores
    ]
    print(source)
    print_table(columns, rows, [choice.sentence])


def _record(source: str, choice: SettingsChoice) -> dict[str, Any]:
    return {
        "source": source,
        "target": choice.target,
        "weighting": choice.weighting,
        "sentence": choice.sentence,
        "scores": [
            {key: value for key, value in plain(vars(score)).items() if key != "r_free_folds"}
            for score in choice.scores
        ],
    }
