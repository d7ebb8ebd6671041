"""A progress bar of an optimization: steps taken, and the cost now."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """A context that shows one line on the standard error stream; `total` None where no end is known."""

    def __init__(self, name: str, total: int | None):
        columns = (
            TextColumn(name),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("cost {task.fields[value]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task(name, total=total, value="")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def advance(self, value: float) -> None:
        """One more step, which reached this cost."""
        self._progress.update(self._task, advance=1, value=f"{value:.8g}")
