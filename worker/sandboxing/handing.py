"""How bubblewrap gets its options: from a descriptor that nobody else has."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def handed(argv: Sequence[str], options: bytes) -> Iterator[tuple[Sequence[str], tuple[int, ...]]]:
    """Give the words to start, and the descriptors that the child has to be given for them."""
    if not options:
        yield argv, ()
        return
    descriptor = os.memfd_create("options")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(options)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield [argv[0], "--args", str(descriptor), *argv[1:]], (descriptor,)
    finally:
        os.close(descriptor)
