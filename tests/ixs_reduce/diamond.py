"""The diamond of the beamline's six-circle write-up: configuration and printed table."""

from __future__ import annotations

from ixs_core.lattice import Lattice
from ixs_reduce.circles import Angles
from ixs_reduce.sixcircle import Orientation, Reflection

WAVELENGTH = 0.570107
TILT = -0.1719
ORIENTATION = Orientation(
    Lattice.cubic(3.567),
    Reflection((1, 1, 1), Angles(15.9114, 7.9557, 0, 35.2, TILT)),
    Reflection((2, 2, 0), Angles(26.1265, 13.0633, 1, 0, TILT)),
)
PRINTED_ANGLES = {"tth": 17.5147, "th": 8.7573, "chi": 0.0565, "phi": 35.2001}
PRINTED_HKL = {
    "a03": (0.9582, 0.9539, 0.9937),
    "a06": (1.1, 1.1, 1.1),
    "a20": (1.1891, 1.3019, 1.1996),
    "a41": (1.0795, 1.4087, 1.1986),
}
PRINTED_Q_PER_NM = {"a03": 29.556, "a06": 33.561}
PRINTED_DQ = {"a06": (0.0403, 0.0398, 0.0187)}

CONFIG = """\
# Configuration file of sixcircle.

# Sample description
GLOBAL g_sample dia

# Azimuthal reference H K L
GLOBAL g_haz 0.000
GLOBAL g_kaz 0.000
GLOBAL g_laz 1.000

# Lattice parameters
GLOBAL g_aa 3.567
GLOBAL g_bb 3.567
GLOBAL g_cc 3.567
GLOBAL g_al 90.000
GLOBAL g_be 90.000
GLOBAL g_ga 90.000

# Primary-reflection wavelength
GLOBAL g_lambda0 0.570107

# Primary-reflection HKL coordinates
GLOBAL g_h0 1.000
GLOBAL g_k0 1.000
GLOBAL g_l0 1.000

# Primary-reflection angles: tth, th, chi, phi, mu, gam
GLOBAL g_u00 15.9114
GLOBAL g_u01 7.9557
GLOBAL g_u02 0.000
GLOBAL g_u03 35.200
GLOBAL g_u04 -0.1719
GLOBAL g_u05 0.000

# Secondary-reflection wavelength
GLOBAL g_lambda1 0.570107

# Secondary-reflection HKL coordinates
GLOBAL g_h1 2.000
GLOBAL g_k1 2.000
GLOBAL g_l1 0.000

# Secondary-reflection angles: tth, th, chi, phi, mu, gam
GLOBAL g_u10 26.1265
GLOBAL g_u11 13.0633
GLOBAL g_u12 1.000
GLOBAL g_u13 0.000
GLOBAL g_u14 -0.1719
GLOBAL g_u15 0.000

# Limit of positions
GLOBAL L_TTH 0.600
GLOBAL U_TTH 52.000
GLOBAL L_CHI -30.000
GLOBAL U_CHI 30.000
"""
