"""An earlier fit laid over the present one in the tab Fit, and taken over."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.models.document import SpectrumId
from gui.models.fit_inputs import Version, read_version
from gui.models.fit_report import Words, fit_report
from gui.models.fit_subject import with_draft
from ixs_core.jobs import CancelToken, Progress
from ixs_reduce.fit_curves import FitCurves, fit_curves
from ixs_reduce.fitting import SpectrumFit

if TYPE_CHECKING:
    from gui.runner import Job
    from gui.views.fit_tab import FitTab


class EarlierFit(QObject):
    """Reads the earlier fit that is chosen in the list, and shows it dashed.

    Parameters
    ----------
    tab : FitTab
        Whose subject and widgets it serves.
    """

    def __init__(self, tab: FitTab) -> None:
        super().__init__(tab)
        self.tab = tab
        self._fit: SpectrumFit | None = None
        self._job: Job | None = None
        tab.words.version_chosen.connect(self._read)
        tab.words.version_wanted.connect(self._take_over)

    def forget(self) -> None:
        """Another spectrum: nothing is laid over it, nor what is still being read."""
        if self._job is not None:
            self._job.cancel()
        self._fit = self._job = None
        self.tab.plot.show_earlier(None, None)

    def _read(self, version: Version | None) -> None:
        desk, subject = self.tab.desk, self.tab.subject
        if version is None or desk.project.path is None or subject is None:
            self._show(None, None)
            return
        self._job = desk.runner.submit(
            partial(_read_with_curves, desk.project.path, subject.which, version.number),
            title="reading an earlier fit",
            on_result=self._take,
            on_error=self._fail,
            group="fit-earlier",
            quiet=True,
        )

    def _take(self, read: tuple[SpectrumFit, FitCurves]) -> None:
        self._show(*read)

    def _fail(self, error: Exception) -> None:
        self._show(None, None)
        self.tab.words.show_earlier([Words(str(error), "warning")])
        self.tab.words.take.setEnabled(False)

    def _show(self, fit: SpectrumFit | None, curves: FitCurves | None) -> None:
        plot, words = self.tab.plot, self.tab.words
        self._fit = fit
        if fit is None or curves is None:
            plot.show_earlier(None, None)
            words.show_earlier(())
        else:
            plot.show_earlier(curves.energy_mev, curves.total)
            modes = ", ".join(f"{mode.energy.value:.2f}" for mode in fit.modes) or "none"
            words.show_earlier([Words(f"Modes at {modes} meV"), *fit_report(fit)])
        self.tab.widgets.show_legend()

    def _take_over(self, version: Version | None) -> None:
        subject, project = self.tab.subject, self.tab.desk.project
        if self._fit is None or subject is None or version is None:
            return
        document = project.document.with_fits({subject.which: self._fit})
        project.apply(with_draft(document, subject.which, None), "take an earlier fit over")


def _read_with_curves(
    path: Path,
    which: SpectrumId,
    number: int | None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[SpectrumFit, FitCurves]:
    """In a worker: an earlier fit, and what is drawn of it."""
    fit = read_version(path, which, number, progress=progress, cancel=cancel)
    return fit, fit_curves(fit)
