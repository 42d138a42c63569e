"""A disk that fails when a test says so: a small library put between the server and the kernel."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Only the database and its log are on the failing disk; logs and sockets are not. */
static int is_database(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strstr(path, ".db") != NULL && strstr(path, ".lock") == NULL;
}

static int asked(const char *fault, int once) {
    char path[PATH_MAX];
    const char *folder = getenv("FAILING_DISK");
    if (!folder) return 0;
    snprintf(path, sizeof path, "%s/%s", folder, fault);
    return once ? unlink(path) == 0 : access(path, F_OK) == 0;
}

static void count(void) {
    char path[PATH_MAX];
    const char *folder = getenv("FAILING_DISK");
    if (!folder) return;
    snprintf(path, sizeof path, "%s/syncs", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0) return;
    if (((ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, ".", 1) < 0) abort();
    close(fd);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FULL(fd) if (is_database(fd) && asked("full", 0)) { errno = ENOSPC; return -1; }
#define SYNC(fd) if (is_database(fd)) { \
    count(); if (asked("sync-fails", 1)) { errno = EIO; return -1; } }

ssize_t write(int fd, const void *b, size_t n) { FULL(fd) return REAL(write)(fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { FULL(fd) return REAL(pwrite)(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { FULL(fd) return REAL(pwrite64)(fd, b, n, o); }
int fsync(int fd) { SYNC(fd) return REAL(fsync)(fd); }
int fdatasync(int fd) { SYNC(fd) return REAL(fdatasync)(fd); }
"""


@dataclass(frozen=True)
class FailingDisk:
    """Faults asked for by files in a folder; the server process under test looks there at each call."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """What the process needs in its environment."""
        return {"LD_PRELOAD": str(_library()), "FAILING_DISK": str(self.folder)}

    def fail_next_sync(self) -> None:
        """Let the next fsync or fdatasync of the database fail with EIO, once."""
        (self.folder / "sync-fails").touch()

    def fill(self) -> None:
        """Let every write to the database fail with ENOSPC from now on."""
        (self.folder / "full").touch()

    def make_room(self) -> None:
        """Let writes succeed again."""
        (self.folder / "full").unlink()

    def syncs(self) -> int:
        """Return how often the database was synced so far."""
        counted = self.folder / "syncs"
        return counted.stat().st_size if counted.exists() else 0

    def sync_has_failed(self) -> bool:
        """Say whether the fault asked for has been met."""
        return not (self.folder / "sync-fails").exists()


@cache
def _library() -> Path:
    folder = Path(mkdtemp(prefix="failing-disk-"))
    source, library = folder / "disk.c", folder / "disk.so"
    source.write_text(SOURCE, encoding="ascii")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library
