"""The real nginx with our example configuration, on a free port and with a prefix of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from benchmarks.processes import free_port
from tests.support.processes import REPOSITORY

EXAMPLE = REPOSITORY / "deploy" / "nginx.conf"

# What Debian's own nginx.conf does around the example, inside *folder*.
_AROUND = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/clawtrail.conf;
}}
"""


@contextmanager
def start_nginx(folder: Path, *, port: int, wait_port: int) -> Iterator[str]:
    """Run nginx before a server on *port* and *wait_port* and yield its address.

    Of the example, nothing but the three addresses is changed. Skips where there is no nginx.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    folder.mkdir(parents=True)
    front = free_port()
    text = EXAMPLE.read_text(encoding="utf-8")
    for written, used in (
        ("listen 127.0.0.1:8080;", f"listen 127.0.0.1:{front};"),
        ("server 127.0.0.1:3456;", f"server 127.0.0.1:{port};"),
        ("server 127.0.0.1:3457;", f"server 127.0.0.1:{wait_port};"),
    ):
        assert text.count(written) == 1, f"{written!r} stands once in {EXAMPLE.name}"
        text = text.replace(written, used)
    (folder / "clawtrail.conf").write_text(text, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_AROUND.format(user=user, folder=folder), encoding="utf-8")
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    nginx = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{front}"
    try:
        _await_answer(nginx, url, folder / "error.log")
        yield url
    finally:
        nginx.terminate()
        nginx.wait(10)


def _await_answer(nginx: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + 10
    while nginx.poll() is None and time.monotonic() < end:
        try:
            requests.get(url, timeout=2)
        except requests.ConnectionError:
            time.sleep(0.02)
        else:
            return
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    raise AssertionError(f"nginx did not come up:\n{said}")
