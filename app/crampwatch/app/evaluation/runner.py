"""Runs cases, in several processes if requested."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context

from crampwatch.app.evaluation.case import Case
from crampwatch.app.evaluation.trial import Trial, run_case

__all__ = ["run_cases"]


def run_cases(
    cases: Sequence[Case], *, jobs: int, clips: int, progress: Callable[[int, int | None], None]
) -> tuple[Trial, ...]:
    """Run all cases; return their trials in the same order.

    Args:
        cases: At least one.
        jobs: Number of processes; 1 runs the cases in this one.
        clips: How many misses and false alarms to keep of each case, at most.
        progress: Called with the number of cases done and the total.

    Raises:
        CrampwatchError: A case cannot be opened or read.
    """
    run = partial(run_case, clips=clips)
    if jobs <= 1 or len(cases) <= 1:
        return tuple(_report_done(run(case), place, len(cases), progress) for place, case in enumerate(cases))
    # Spawned: a fork would inherit the threads of numerical libraries half-way through their work.
    with ProcessPoolExecutor(min(jobs, len(cases)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run, case) for case in cases]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                progress(done, len(cases))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return tuple(future.result() for future in futures)


def _report_done(trial: Trial, place: int, total: int, progress: Callable[[int, int | None], None]) -> Trial:
    progress(place + 1, total)
    return trial
