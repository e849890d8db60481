"""Files of other programs: lifetimes, force constants, heat fluxes."""
