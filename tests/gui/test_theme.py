"""Colours that can be read and told apart, in both themes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import Qt

from gui.theme import DARK, LIGHT, Theme


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """Contrast ratio, WCAG 2.2: 1 (none) to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_text_is_legible(theme: Theme) -> None:
    for text in (theme.text, theme.quiet, theme.good, theme.warning, theme.error):
        for ground in (theme.window, theme.base):
            assert contrast(text, ground) >= 4.5, (text, ground)
    assert contrast(theme.axis, theme.plot) >= 7
    assert contrast("#ffffff", theme.highlight) >= 3.9


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_lines_are_seen_and_told_apart(theme: Theme) -> None:
    for color in (theme.data, theme.total, *theme.series):
        assert contrast(color, theme.plot) >= 1.9, color
    looks = [(theme.series_color(i), theme.series_pen(i).style()) for i in range(len(theme.series))]
    assert len(set(looks)) == len(looks)
    dashes = [theme.series_pen(i).style() for i in range(8)]
    assert set(dashes) > {Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine}
    for one, other in itertools.combinations(theme.series, 2):
        distance = np.abs([int(one[i : i + 2], 16) - int(other[i : i + 2], 16) for i in (1, 3, 5)])
        assert distance.sum() > 60, (one, other)
