"""Work for an event loop is done from wherever it is called, and its errors arrive."""

import asyncio
import threading

import pytest

from dmarcscope.lookup.running import finished


async def where() -> int:
    """The thread that it runs in."""
    await asyncio.sleep(0)
    return threading.get_ident()


async def broken() -> None:
    """Fails."""
    raise LookupError("as it must")


async def from_within(work):
    """As in a notebook: a loop runs while ordinary code calls."""
    return finished(work)


def test_without_a_loop_it_stays_in_its_thread():
    assert finished(where()) == threading.get_ident()


def test_with_a_loop_it_has_a_thread_of_its_own():
    assert asyncio.run(from_within(where())) != threading.get_ident()


@pytest.mark.parametrize("call", [finished, lambda work: asyncio.run(from_within(work))], ids=["outside", "within"])
def test_errors_arrive(call):
    with pytest.raises(LookupError, match="as it must"):
        call(broken())
