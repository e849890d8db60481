"""What the tab Frames shows of a frame, made ready in a worker; the frames kept in memory.

No Qt here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ixs_core.errors import InputError
from ixs_core.frame_geometry import Spots, predict_spots
from ixs_core.frame_profiles import Histogram, value_at_share, value_histogram
from ixs_core.frame_reduction import Float32Array, reduced_copies
from ixs_core.frame_series import FrameRef, FrameSeries, frame_series, max_frames, sum_frames
from ixs_core.frames import Frame, read_frame
from ixs_core.jobs import CancelToken, Progress

CACHE_BYTES = 512 * 1024**2
_STILL_MARGIN_DEG = 0.25  # reflections so near are marked on a frame that does not turn
SHARES = {"99 %": 0.99, "99.9 %": 0.999, "99.99 %": 0.9999, "all": 1.0}
"""Choices for the upper end of the colours: the share of pixels that is not above it."""


@dataclass(frozen=True)
class LoadedFrame:
    """A frame with its smaller copies for the screen and its histogram.

    Parameters
    ----------
    frame : Frame
    copies : tuple of float32 arrays
        As of `reduced_copies`.
    histogram : Histogram
    label : str
        What it is, for people: "frame 3 of 5", "sum of frames 1 to 5".
    spots : Spots or None
        Those that the header predicts.
    no_spots : str
        Why there are none.
    """

    frame: Frame
    copies: tuple[Float32Array, ...]
    histogram: Histogram
    label: str
    spots: Spots | None
    no_spots: str

    @property
    def nbytes(self) -> int:
        """Memory of all of it."""
        return self.frame.nbytes + sum(copy.nbytes for copy in self.copies)


@dataclass(frozen=True)
class OpenedSeries:
    """A series, and the frame of it that was asked for."""

    source: Path
    series: FrameSeries
    place: int
    loaded: LoadedFrame


class FrameCache:
    """The frames used last, up to an amount of memory; any thread may use it."""

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[FrameRef, LoadedFrame] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, ref: FrameRef) -> LoadedFrame | None:
        """A frame that is kept; it counts as used now."""
        with self._lock:
            found = self._kept.get(ref)
            if found is not None:
                self._kept.move_to_end(ref)
            return found

    def put(self, ref: FrameRef, loaded: LoadedFrame) -> None:
        """Keep a frame, and let those go that were not used for longest."""
        with self._lock:
            self._kept[ref] = loaded
            self._kept.move_to_end(ref)
            while self._kept and self._bytes() > self._most_bytes:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()

    @property
    def nbytes(self) -> int:
        """Memory of all that is kept."""
        with self._lock:
            return self._bytes()

    def _bytes(self) -> int:
        return sum(loaded.nbytes for loaded in self._kept.values())


def prepared(frame: Frame, label: str) -> LoadedFrame:
    """Make a frame ready to be shown."""
    spots, no_spots = _spots(frame)
    return LoadedFrame(
        frame=frame,
        copies=reduced_copies(frame.values, frame.mask),
        histogram=value_histogram(frame.values, frame.mask),
        label=label,
        spots=spots,
        no_spots=no_spots,
    )


def _spots(frame: Frame) -> tuple[Spots | None, str]:
    """The spots of a frame, or why there are none."""
    geometry, orientation = frame.geometry, frame.orientation
    if orientation is None:
        return None, frame.info.no_orientation
    if geometry is None:
        return None, frame.info.no_geometry
    margin = _STILL_MARGIN_DEG if orientation.step_deg == 0 else 0.0
    try:
        return predict_spots(geometry, orientation, frame.shape, margin), ""
    except InputError as error:
        return None, str(error)


def open_series(
    path: Path,
    cache: FrameCache,
    number: int = 0,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> OpenedSeries:
    """In a worker: the series of a file or folder, with frame `number` of this file."""
    frame = None if path.is_dir() else read_frame(path, number)
    series = frame_series(path, frame.n_frames if frame is not None else None)
    place = min(series.place_of(path) + number, len(series) - 1)
    if frame is None:
        return OpenedSeries(path, series, place, load(series, place, cache))
    loaded = prepared(frame, f"frame {place + 1} of {len(series)}")
    cache.put(series.frames[place], loaded)
    return OpenedSeries(path, series, place, loaded)


def load(
    series: FrameSeries,
    place: int,
    cache: FrameCache,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> LoadedFrame:
    """In a worker: a frame of a series, kept from then on."""
    ref = series.frames[place]
    found = cache.get(ref)
    if found is None:
        found = prepared(read_frame(*ref), f"frame {place + 1} of {len(series)}")
        cache.put(ref, found)
    return found


def load_ahead(
    series: FrameSeries,
    places: Sequence[int],
    cache: FrameCache,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """In a worker: read frames that may be wanted next."""
    for place in places:
        if cancel is not None:
            cancel.check()
        load(series, place, cache)


def combine(
    series: FrameSeries,
    how: str,
    first: int,
    last: int,
    cache: FrameCache,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> LoadedFrame:
    """In a worker: the "sum" or "maximum" of frames `first` to `last`, both from 0, both included.

    Frames that are kept are not read again; others are read and not kept.
    """

    def read(ref: FrameRef) -> Frame:
        found = cache.get(ref)
        return found.frame if found is not None else read_frame(*ref)

    function = sum_frames if how == "sum" else max_frames
    frame = function(series, first, last + 1, progress=progress, cancel=cancel, read=read)
    return prepared(frame, f"{how} of frames {first + 1} to {last + 1}")


def levels_for(loaded: LoadedFrame, share: float, log: bool) -> tuple[float, float]:
    """Ends of the colours: from low to what this share of the pixels does not exceed.

    On a logarithmic scale low is what 1 % does not exceed, above zero and below high; on a
    linear one zero, or the least value where there are negative ones.
    """
    histogram = loaded.histogram
    high = value_at_share(histogram, share)
    if log:
        least = 1.0 if histogram.whole else float(histogram.edges[1])
        low = max(value_at_share(histogram, 0.01), least)
        return low, high if high > low else low * 10
    low = min(0.0, histogram.lowest)
    return low, high if high > low else low + 1.0
