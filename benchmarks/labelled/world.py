"""The labelled worlds: some to tune with, and one that is only measured."""

from collections.abc import Sequence

from benchmarks.labelled import forwarders, lists, mailboxes, own, spoofers, vendors
from benchmarks.labelled.scene import Scene
from dmarcscope.model.sender import Sender

TUNING = 5
HELD_OUT = 730_551
SEEDS = {"tuning": TUNING, "tuning-2": 11, "tuning-3": 12, "tuning-4": 13, "tuning-5": 20_261_125, "held-out": HELD_OUT}

PARTS = (own.build, mailboxes.build, vendors.build, forwarders.build, lists.build, spoofers.build)
"""In this order: what is forwarded, listed or copied must be there before."""


def make_world(seed: int, senders: Sequence[Sender]) -> Scene:
    """The whole world of a seed; ``senders`` are the catalogue from which its services are chosen."""
    scene = Scene(seed, senders)
    for build in PARTS:
        build(scene)
    return scene
