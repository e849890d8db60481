"""The different q of a list of targets, and how far a momentum is from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from simulate.planning.expected_counts import Beamtime
from simulate.planning.targets import Target


@dataclass(frozen=True)
class WantedMomenta:
    """The different q of a list of targets with their stars.

    Parameters
    ----------
    q_hkl : (nq, 3) array
    of_target : (n_targets,) int array
        Which q each target has.
    star : (nw, 3) array
    owner : (nw,) int array
        Which q a member of a star belongs to, ascending.
    """

    q_hkl: FloatArray
    of_target: np.ndarray
    star: FloatArray
    owner: np.ndarray

    @classmethod
    def of(cls, beamtime: Beamtime, targets: Sequence[Target]) -> WantedMomenta:
        """The momenta of a list of targets."""
        q_list = list(dict.fromkeys(target.q_hkl for target in targets))
        stars = [beamtime.symmetry.star(np.array(q)) for q in q_list]
        return cls(
            np.array(q_list),
            np.array([q_list.index(target.q_hkl) for target in targets]),
            np.concatenate(stars),
            np.repeat(np.arange(len(q_list)), [len(star) for star in stars]),
        )

    def nearest(self, beamtime: Beamtime, hkl: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distances (n, nq) in Å⁻¹ of hkl (n, 3) from every wanted q, and the offsets (n, nq, 3).

        Modulo reciprocal lattice vectors, over the star; exact for distances below half the
        shortest reciprocal lattice vector.
        """
        symmetry = beamtime.symmetry
        inside = symmetry.primitive(hkl[:, None] - self.star)
        rest = (inside - np.round(inside)) @ np.asarray(symmetry.conventional, dtype=float).T
        length = np.asarray(symmetry.lattice.q_abs(rest))
        starts = np.searchsorted(self.owner, np.arange(len(self.q_hkl)))
        ends = np.append(starts[1:], len(self.owner))
        best = np.stack(
            [a + length[:, a:b].argmin(axis=1) for a, b in zip(starts, ends, strict=True)], axis=1
        )
        rows = np.arange(len(hkl))[:, None]
        return length[rows, best], rest[rows, best]
