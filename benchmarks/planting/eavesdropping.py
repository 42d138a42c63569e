"""A way to the server that keeps every byte which goes either way."""

import socket
import threading
from contextlib import suppress


class Eavesdropper:
    """Listens on a port of the loopback and passes everything on; `heard` is for when all is closed."""

    def __init__(self, port: int) -> None:
        """Pass on to *port*."""
        self._target = port
        self._kept: list[bytes] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def heard(self) -> bytes:
        """All bytes of both directions; what went in one read lies together."""
        return b"".join(self._kept)

    def close(self) -> None:
        """Cut every connection."""
        self._listener.close()
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        # Each direction is kept by itself, so that what was cut into reads is whole again.
        heard = bytearray()
        with suppress(OSError):
            while data := source.recv(65536):
                heard += data
                sink.sendall(data)
        self._kept.append(bytes(heard))
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
