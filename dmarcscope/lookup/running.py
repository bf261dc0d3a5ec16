"""Run what is written for an event loop from code that is not; also within a notebook, where a loop runs already."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Found = TypeVar("Found")


def finished(work: Coroutine[Any, Any, Found]) -> Found:
    """What the work comes to. It has a loop of its own; where one runs in this thread already, in a thread of its own, too.

    >>> async def two():
    ...     return 2
    >>> async def within():
    ...     return finished(two())
    >>> finished(two()), asyncio.run(within())
    (2, 2)
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(asyncio.run, work).result()
