"""The project's own source files, read and parsed, for tests about how it is written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.processes import REPOSITORY

PROGRAMS = ("app", "clawtrail", "config", "migrations", "worker")
EVERYTHING = (*PROGRAMS, "benchmarks", "examples", "tests", "wsgi.py")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file of ours; *name* is its path from the top of the checkout."""

    name: str
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        """The place of *node*, as editors understand it."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"

    def find(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """All nodes of these kinds, wherever they stand."""
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def public(self) -> Iterator[Function | ast.ClassDef]:
        """The functions, methods and classes that others may use."""
        yield from _public_in(self.tree.body)


def _public_in(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name.startswith("_"):
                continue
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public_in(node.body)


@cache
def sources(*roots: str) -> tuple[Source, ...]:
    """Return every Python file under *roots* (folders or files from the top), in the order of their names."""
    files = [file for root in roots for file in _files(REPOSITORY / root)]
    return tuple(_read(file) for file in sorted(files))


def _files(root: Path) -> list[Path]:
    return [root] if root.is_file() else list(root.rglob("*.py"))


@cache
def _read(file: Path) -> Source:
    text = file.read_text(encoding="utf-8")
    return Source(str(file.relative_to(REPOSITORY)), text, ast.parse(text))
