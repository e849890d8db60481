"""The fit of all ended scans together, beside the polling."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from ixs_reduce.batch import BatchResult, FitOptions, fit_batch
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.project_fit import ProjectSpectra
from ixs_reduce.resolution import Resolution


@dataclass(frozen=True)
class BatchOutcome:
    """What a batch was begun for, and what it gave.

    loaded : ProjectSpectra
        All that was fitted.
    begun_for : frozenset of str
        Keys of the scans that made it necessary.
    result : BatchResult or InputError
        The error when no spectrum could be fitted.
    """

    loaded: ProjectSpectra
    begun_for: frozenset[str]
    result: BatchResult | InputError


class BatchThread:
    """Runs one `fit_batch` at a time in a thread; the caller takes its outcome.

    The options of all batches are the same, so each takes over what still holds of the last.

    cancel : CancelToken
        Ends a batch early.
    """

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._pool: ThreadPoolExecutor | None = None
        self._task: Future[BatchOutcome] | None = None
        self._known: tuple[SpectrumFit, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether one runs, or has fits that were not taken yet."""
        return self._task is not None

    @property
    def outcome(self) -> BatchOutcome | None:
        """What the batch gave; None while it runs. Raises Cancelled when it was."""
        return self._task.result() if self._task is not None and self._task.done() else None

    def start(
        self,
        loaded: ProjectSpectra,
        resolutions: Mapping[str, Resolution],
        options: FitOptions,
        begun_for: frozenset[str],
    ) -> None:
        """Begin a batch."""

        def work() -> BatchOutcome:
            result: BatchResult | InputError
            try:
                result = fit_batch(
                    loaded.spectra, resolutions, options, known=self._known, cancel=self._cancel
                )
                self._known = result.fits
            except InputError as error:
                result = error
            return BatchOutcome(loaded, begun_for, result)

        self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="ixs-watch")
        self._task = self._pool.submit(work)

    def clear(self) -> None:
        """Forget the outcome that was taken."""
        self._task = None

    def stop(self) -> None:
        """Let go; a batch that runs sees the cancel token by itself."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
