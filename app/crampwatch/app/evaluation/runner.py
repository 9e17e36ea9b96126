"""Cases through the detector, several at a time where asked for."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context

from crampwatch.app.evaluation.case import Case
from crampwatch.app.evaluation.trial import Trial, try_case

__all__ = ["run_cases"]


def run_cases(
    cases: Sequence[Case], *, jobs: int, clips: int, told: Callable[[int, int | None], None]
) -> tuple[Trial, ...]:
    """Evaluate cases; return the trials in the order of the cases.

    Args:
        cases: What to evaluate.
        jobs: Processes.
        clips: Plots of misses and false alarms to keep of each, at most.
        told: Told how many are done, and of how many.

    Raises:
        CrampwatchError: One cannot be opened or read.
    """
    attempt = partial(try_case, clips=clips)
    if jobs <= 1 or len(cases) <= 1:
        return tuple(_counted(attempt(case), place, len(cases), told) for place, case in enumerate(cases))
    # Spawned: a fork would inherit the threads of numerical libraries half-way through their work.
    with ProcessPoolExecutor(min(jobs, len(cases)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(attempt, case) for case in cases]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                told(done, len(cases))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return tuple(future.result() for future in futures)


def _counted(trial: Trial, place: int, total: int, told: Callable[[int, int | None], None]) -> Trial:
    told(place + 1, total)
    return trial
