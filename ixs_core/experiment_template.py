"""The commented experiment file that `ixs init` writes; nothing in it counts until uncommented."""

TEMPLATE = """\
# Experiment file of ixs-suite. Every key is optional: remove the "#" before those you know.
# Lengths in Å, angles in degrees, energies in meV, temperatures in K, unless a name says else.
# Paths start from the folder of this file.

[sample]
# name = "CsCu2I3, crystal 2"
# formula = "CsCu2I3"
# cell = [10.48, 13.04, 6.06, 90, 90, 90]    # a, b, c, alpha, beta, gamma; goes before the CIF's
# cif = "cscu2i3.cif"
# temperature_k = 300                        # where the data file gives none
# thickness_mm = 0.1
# density_g_cm3 = 5.0

[orientation]
# config = "sixcircle.conf"                  # the beamline's file, or else two reflections:
# or0 = { hkl = [7, 7, 0], tth = 28.277, th = 14.139, chi = 0.420, phi = 71.300, mu = -0.1719, gam = 0 }
# or1 = { hkl = [0, 8, 0], tth = 20.143, th = 10.072, chi = 0.358, phi = 20.083, mu = -0.1719, gam = 0 }
# frozen = "456"                             # tth 0, th 1, chi 2, phi 3, mu 4, gam 5, omega 6
# azimuth = [0, 0, 1]

[spectrometer]
# name = "bl43lxu"                           # bl43lxu, bl35xu; others by their own table below
# order = 11                                 # n of Si (n n n), or else:
# energy_kev = 21.747
# slits_mm = [60, 60]                        # horizontal, vertical
# limits = { tth = [0.6, 52], th = [-20, 26], chi = [-30, 30], phi = [-10, 100] }
# A spectrometer of your own, instead of a name; x along tth and z downward from the arm's centre:
# analyzers = { radius_mm = 9800, size_mm = [92, 87], slit_radius_mm = [8965, 8835], positions_mm = { a01 = [0, 0], a02 = [120, 0] } }

[analyzers]
# mask = ["a09"]                             # not to be used
# efficiency = { a03 = 1.0, a04 = 0.93 }
# zero_mev = { a03 = 0.12 }                  # given here, the zero is not searched for
# resolution = "R.h5"                        # as `ixs resolution` writes

[reduction]
# monitor = "HM_IC2"                         # the column to normalise by
# dead_time_us = 0.0
# bin_mev = 0.5                              # when repeats are merged; else the median step
# alpha = "integral"                         # "id28", or a fixed expansion in 1/K such as 2.639e-6
# background = [ { file = "empty.spec", transmission = 0.4 } ]

[beam]
# flux_photons_s = 3.0e10                    # for planning
# spot_um = [50, 50]
"""  # noqa: E501 - TOML 1.0 wants an inline table on one line
