"""Which three of the ten angles stay frozen while the others bring Q to the arm.

Six circles reach a Q (three conditions) in infinitely many ways; three frozen angles leave
finitely many. The code is three digits, as at the beamline: "456" freezes mu, gam, omega.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ixs_core.errors import InputError

NAMES = ("tth", "th", "chi", "phi", "mu", "gam", "omega", "azimuth", "alpha", "beta")
DETECTOR = ("tth", "mu", "gam")
REFERENCE = ("azimuth", "alpha", "beta")
_ZERO_UNLESS_SET = ("mu", "gam", "omega")
_CODES = ", ".join(f"{code} {name}" for code, name in enumerate(NAMES))


@dataclass(frozen=True)
class Frozen:
    """Three frozen angles with their values in degrees."""

    values: Mapping[str, float]

    @property
    def detector(self) -> dict[str, float]:
        """Those frozen of tth, mu, gam."""
        return {name: value for name, value in self.values.items() if name in DETECTOR}

    @property
    def sample(self) -> dict[str, float]:
        """Those frozen of th, chi, phi, omega, azimuth, alpha, beta."""
        return {name: value for name, value in self.values.items() if name not in DETECTOR}

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in self.values.items())


def frozen_names(code: str) -> tuple[str, ...]:
    """The three names of a code such as "456".

    Raises
    ------
    InputError
        Not three different digits, or three angles that do not determine a position: tth with mu
        and gam (the length of Q already ties them), tth with th and omega (one is the others'
        difference), or two of azimuth, alpha, beta (each follows from another at given Q).
    """
    code = code.strip()
    if len(code) != 3 or not code.isdigit() or len(set(code)) != 3:
        raise InputError(
            "the code of the frozen angles is not understood",
            key="frozen",
            found=f'"{code}"',
            expected=f"three different digits of: {_CODES}",
        )
    names = tuple(NAMES[int(digit)] for digit in sorted(code))
    reasons = {
        "the length of Q already ties tth, mu and gam": {"tth", "mu", "gam"} <= set(names),
        "omega = th - tth/2 makes the third follow from two": {"tth", "th", "omega"} <= set(names),
        "at given Q each of azimuth, alpha, beta follows from another": len(
            set(names) & set(REFERENCE)
        )
        > 1,
    }
    for reason, applies in reasons.items():
        if applies:
            raise InputError(
                f"{', '.join(names)} together determine no position: {reason}",
                key="frozen",
                found=f'"{code}"',
                expected='three independent angles, such as "456" (mu, gam, omega)',
            )
    return names


def frozen_angles(code: str, values: Mapping[str, float] | None = None) -> Frozen:
    """Names and values of a code; mu, gam, omega are 0 unless given, others must be given.

    Raises
    ------
    InputError
        A bad code, a value missing, or a value given for an angle that is not frozen.
    """
    names = frozen_names(code)
    given = dict(values or {})
    for name in given:
        if name not in names:
            hint = (
                f'freeze it with a code that holds {NAMES.index(name)}, or leave it out ("{code}" '
                f"freezes {', '.join(names)})"
                if name in NAMES
                else f"the angles are {', '.join(NAMES)}"
            )
            raise InputError("a value is set for an angle that is not frozen", key=name, hint=hint)
    for name in names:
        if name not in given and name not in _ZERO_UNLESS_SET:
            raise InputError(
                "a frozen angle has no value", key=name, hint=f"give its degrees: --set {name}=…"
            )
    return Frozen({name: float(given.get(name, 0.0)) for name in names})
