"""Our own service as a contender: one Python client (`clawtrail.Client`) that all threads share."""

import os
from functools import cache

from benchmarks.driving import Call
from benchmarks.service import TOKEN
from clawtrail import Client


@cache
def client() -> Client:
    """Return the one client of this process."""
    return Client(url=os.environ["BENCH_URL"], token=TOKEN)


def new_call() -> Call:
    """Return a function that submits one task and waits for its result."""
    ours = client()

    def call() -> None:
        ours.run(argv=["true"], check=True)

    return call
