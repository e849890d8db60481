"""Detector frames: the Esperanto decoder against fabio's, and drawing a frame of 6 Mpx."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from fabio.compression import agi_bitfield
from fabio.esperantoimage import EsperantoImage

from benchmarks.timing import Measurement, best_seconds
from ixs_core.agi_bitfield import decode
from ixs_core.arrays import IntArray
from ixs_core.frames import make_frame, read_frame

_DRAW_LIMIT_S = 0.05
_WINDOW = (1100, 900)  # pixels of the screen


def run() -> list[Measurement]:
    """All measurements of this file."""
    return [*_esperanto(), *_drawing()]


def _esperanto() -> list[Measurement]:
    """A frame of 2048 × 2048 pixels: decoding alone, and the whole file."""
    counts = _counts((2048, 2048))
    block = bytes(agi_bitfield._compress(counts))
    decode(block, counts.shape)
    if not np.array_equal(
        decode(block, counts.shape), agi_bitfield.decompress(block, counts.shape)
    ):
        raise AssertionError("the decoders do not agree")
    decoding = Measurement(
        "decode a 2048² Esperanto frame",
        best_seconds(lambda: decode(block, counts.shape)),
        "fabio",
        best_seconds(lambda: agi_bitfield.decompress(block, counts.shape), 1),
        "20 times faster",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.esperanto"
        EsperantoImage(data=counts).write(str(path))
        reading = Measurement(
            "read a 2048² Esperanto file, header and mask too",
            best_seconds(lambda: read_frame(path)),
            "fabio",
            best_seconds(lambda: EsperantoImage().read(str(path)), 1),
            "20 times faster",
        )
    return [decoding, reading]


def _drawing() -> list[Measurement]:
    """A frame of 2527 × 2463 pixels that is ready in memory, to the screen; and zoomed in."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from gui.app import make_application
    from gui.models.frames_content import LoadedFrame, levels_for, prepared
    from gui.theme import LIGHT
    from gui.views.frames_panes import FramePanes

    application = make_application(LIGHT)
    panes = FramePanes(LIGHT, "viridis")
    panes.resize(*_WINDOW)
    panes.show()
    frames = [
        prepared(make_frame(_counts((2527, 2463), seed), {}, Path(f"{seed}.cbf")), "frame")
        for seed in (1, 2)
    ]

    def draw(loaded: LoadedFrame) -> None:
        panes.show_loaded(loaded)
        panes.image.set_scale(True, levels_for(loaded, 0.999, True))
        panes.image.show_frame(loaded)
        panes.histogram.show_histogram(loaded.histogram)
        panes.canvas.viewport().repaint()
        panes.histogram_canvas.viewport().repaint()

    measured = []
    for name, zoom in (("whole", None), ("zoomed in to 1:1", panes.image.show_true_size)):
        draw(frames[0])
        application.processEvents()
        if zoom is not None:
            zoom()
        turns = iter(range(100))
        seconds = best_seconds(lambda turns=turns: draw(frames[next(turns) % 2]), 8)  # type: ignore[misc]
        what = f"show the next frame of 6.2 Mpx, {name}"
        measured.append(Measurement(what, seconds, "limit", _DRAW_LIMIT_S, "below the limit"))
    preparing = best_seconds(lambda: prepared(frames[0].frame, "frame"), 3)
    measured.append(
        Measurement(
            "copies and histogram of a frame of 6.2 Mpx, in a worker",
            preparing,
            "one frame at 4 per second",
            0.25,
            "below it",
        )
    )
    panes.close()
    return measured


def _counts(shape: tuple[int, int], seed: int = 0) -> IntArray:
    """Background, spots and gaps as of a pixel detector."""
    random = np.random.default_rng(seed)
    counts = random.poisson(15, shape).astype(np.int32)
    spots = random.random(shape) < 1e-3
    counts[spots] *= random.integers(2, 3000, int(spots.sum()))
    counts[200:217] = -1
    return np.ascontiguousarray(counts)
