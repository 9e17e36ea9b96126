"""Several coroutines as one: the first to end, ends all."""

import asyncio
from collections.abc import Coroutine

__all__ = ["first_of"]


async def first_of(*steps: Coroutine[object, object, object]) -> None:
    """Run coroutines until one of them ends, cancel the others, and raise the error of the one that ended, if any.

    A task group would wrap that error, and the command line prints our errors as they are.
    """
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
