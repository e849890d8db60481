"""Work arrays that keep their memory from one chunk of wave vectors to the next."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Scratch:
    """Hands out arrays by name; asking again for a name overwrites what it held.

    Fresh memory costs more than the arithmetic done in it: the system clears every page of it.
    Make one per thread and keep it for the length of a loop.
    """

    def __init__(self) -> None:
        self._held: dict[str, NDArray[Any]] = {}

    def __call__(self, name: str, *shape: int, dtype: DTypeLike = float) -> NDArray[Any]:
        """An array of the given shape with arbitrary content."""
        size = math.prod(shape)
        held = self._held.get(name)
        if held is None or held.size < size:
            held = self._held[name] = np.empty(size, dtype)
        return held[:size].reshape(shape)
