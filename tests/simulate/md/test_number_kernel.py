"""Numbers as the readers parse them, against Python's own."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulate.md.formats import number_kernel as kernel


def parsed(text: str) -> tuple[int, float]:
    """Fault and value of a table of one number."""
    out = np.zeros((1, 1))
    data = np.frombuffer(f"{text}\n".encode(), dtype=np.uint8)
    fault, _ = kernel.parse_table(data, 0, np.array([0]), np.empty(0, dtype=np.int64), out)
    return fault, float(out[0, 0])


@given(st.floats(1e-40, 1e15), st.sampled_from((1, -1)))
@settings(max_examples=300, deadline=None)
@example(0.0, -1)
def test_numbers_of_few_digits_are_those_of_python(value: float, sign: int) -> None:
    for form in ("%.8g", "%.15g", "%.6f", "%.10e", "%g"):
        text = form % (sign * value)
        digits = len(text.split("e")[0].replace(".", "").replace("-", "").lstrip("0"))
        fault, found = parsed(text)
        assert fault == kernel.DONE
        exact = digits <= 15 and (value > 1e-8 or value == 0)
        np.testing.assert_allclose(found, float(text), rtol=0 if exact else 1e-15, atol=1e-300)


def test_forms_of_numbers() -> None:
    for text in (
        "1",
        "+1.5",
        "-.5",
        "5.",
        "1e3",
        "1E-3",
        "1d+2",
        "007.25",
        "1" * 30,
        "0." + "3" * 40,
    ):
        fault, value = parsed(text)
        assert fault == kernel.DONE, text
        np.testing.assert_allclose(value, float(text.replace("d", "e")), rtol=5e-16)
    for text in ("", "-", ".", "1e", "1.2.3", "1,5", "abc", "0x1", "--1", "1e+"):
        assert parsed(text)[0] in (kernel.NO_NUMBER, kernel.TOO_FEW), text
    for text in ("nan", "NaN", "-nan", "inf", "-Infinity", "1e999"):
        assert parsed(text)[0] == kernel.NOT_FINITE, text
