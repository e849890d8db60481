"""The polarisation factor of Thomson scattering at a beamline with horizontal polarisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray


def polarisation_factor(tth: ArrayLike, gam: ArrayLike = 0.0) -> FloatArray:
    """|ε × k_f|² = 1 - sin²(tth) cos²(gam) of a beam with horizontal polarisation ε.

    The structure factors of `simulate.phonons` leave it out: multiply their intensities by it.

    Parameters
    ----------
    tth, gam : arrays
        Angles of the scattered beam in degrees, as `ixs_reduce.circles` counts them: tth in
        the horizontal plane, gam out of it. Broadcast against each other.

    Returns
    -------
    array
        1 for scattering out of the plane of polarisation; both outgoing polarisations are seen.
    """
    horizontal = np.sin(np.radians(tth)) * np.cos(np.radians(gam))
    return 1.0 - horizontal**2
