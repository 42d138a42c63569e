"""What a fresh server has not loaded: each of these takes memory for good, and many servers never need it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.support import migrated
from tests.support.processes import REPOSITORY

SELDOM = {"alembic", "clawtrail.client", "clawtrail.mcp", "prometheus_client", "requests", "rich", "worker"}


def test_a_fresh_server_has_not_loaded_what_few_requests_need(tmp_path: Path) -> None:
    """Before its first request, no migration, client, HTTP client, tool or metric is in a server's memory."""
    migrated.lay(tmp_path)
    code = (
        "import sys, app.cli.serve, app.serving, wsgi\n"
        "print(*sys.modules)\n"
        "app.serving.close_app(wsgi.application)\n"
    )
    environ = os.environ | {"CLAWTRAIL_DATA": str(tmp_path)}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert {"flask", "app.api.mcp"} <= loaded
    assert not loaded & SELDOM
    assert ("sqlite3" in loaded) == (find_spec("pysqlite3") is None)
