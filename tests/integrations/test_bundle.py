"""The bundle for agents' programs: its manifests say what these programs look for, and lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from clawtrail import __version__
from clawtrail.cli import ENTRIES
from clawtrail.mcp.catalogue import TOOLS
from tests.docs.markdown import examples
from tests.support.processes import REPOSITORY

TOP = REPOSITORY / "integrations"
BUNDLE = TOP / "clawtrail"
SKILLS = sorted(BUNDLE.glob("skills/*/SKILL.md"))
NAME = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64}
INSIDE = {"type": "string", "pattern": r"^\./"}
PERSON = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}

PLUGIN = {
    "type": "object",
    "required": ["name", "version", "description", "skills", "mcpServers"],
    "additionalProperties": False,
    "properties": {
        "name": NAME,
        "version": {"const": __version__},
        "description": {"type": "string", "minLength": 20},
        "author": PERSON,
        "license": {"const": "MIT"},
        "keywords": {"type": "array", "items": {"type": "string"}},
        "skills": INSIDE,
        "mcpServers": INSIDE,
    },
}
MARKETPLACE = {
    "type": "object",
    "required": ["name", "owner", "plugins"],
    "properties": {
        "name": NAME,
        "owner": PERSON,
        "plugins": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "source", "description"],
                "properties": {"name": NAME, "source": INSIDE},
            },
        },
    },
}
SERVERS = {
    "type": "object",
    "required": ["mcpServers"],
    "additionalProperties": False,
    "properties": {
        "mcpServers": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "required": ["command"],
                "additionalProperties": False,
                "properties": {
                    "command": {"type": "string"},
                    "args": {"type": "array", "items": {"type": "string"}},
                    "env": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
        }
    },
}
SKILL = {
    "type": "object",
    "required": ["name", "description"],
    "additionalProperties": False,
    "properties": {
        "name": NAME,
        "description": {"type": "string", "minLength": 40, "maxLength": 1024},
        "metadata": {
            "type": "object",
            "required": ["openclaw"],
            "properties": {
                "openclaw": {
                    "type": "object",
                    "properties": {
                        "requires": {
                            "type": "object",
                            "properties": {"bins": {"type": "array", "items": {"type": "string"}}},
                        }
                    },
                }
            },
        },
    },
}


def _read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def _frontmatter(path: Path) -> str:
    found = re.match(r"---\n(.*?)\n---\n", path.read_text(encoding="utf-8"), re.DOTALL)
    assert found, path
    return found[1]


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (TOP / ".claude-plugin/marketplace.json", MARKETPLACE),
        (BUNDLE / ".claude-plugin/plugin.json", PLUGIN),
        (BUNDLE / "plugin.json", PLUGIN),
        (BUNDLE / "mcp.json", SERVERS),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_manifests_have_their_fields(path: Path, schema: dict[str, Any]) -> None:
    """Each manifest has the fields that Claude Code and OpenClaw document, and no unknown ones."""
    faults = [fault.message for fault in Draft202012Validator(schema).iter_errors(_read(path))]
    assert not faults


def test_manifests_lead_somewhere() -> None:
    """The list leads to the bundle of that name, and the bundle to its skills and tools."""
    [listed] = _read(TOP / ".claude-plugin/marketplace.json")["plugins"]
    folder = TOP / listed["source"]
    plugin = _read(folder / ".claude-plugin/plugin.json")
    assert (folder.resolve(), plugin["name"]) == (BUNDLE, listed["name"])
    assert plugin["description"] == listed["description"]
    assert (folder / plugin["mcpServers"]).is_file()
    assert sorted((folder / plugin["skills"]).glob("*/SKILL.md")) == SKILLS
    assert _read(BUNDLE / "plugin.json") == plugin


def test_the_tools_are_started_by_a_command_there_is() -> None:
    """What mcp.json starts is a command of the command line."""
    [server] = _read(BUNDLE / "mcp.json")["mcpServers"].values()
    assert server["command"] == "clawtrail"
    assert set(server["args"]) <= set(ENTRIES)


@pytest.mark.parametrize("path", SKILLS, ids=lambda path: path.parent.name)
def test_skills_introduce_themselves(path: Path) -> None:
    """A skill's frontmatter is as both programs read it: by its folder's name, one line for each key."""
    # OpenClaw's reader takes single lines only, and metadata as JSON, which is YAML for Claude Code as well.
    keys = dict(line.split(": ", 1) for line in _frontmatter(path).splitlines())
    told = keys | {"metadata": json.loads(keys["metadata"])}
    assert not [fault.message for fault in Draft202012Validator(SKILL).iter_errors(told)]
    assert told["name"] == path.parent.name
    assert not re.search(r": | #|^[\[{&*!|>'\"%@`]", keys["description"]), "no plain text in YAML"


@pytest.mark.parametrize("path", SKILLS, ids=lambda path: path.parent.name)
def test_every_command_of_a_skill_is_run(path: Path) -> None:
    """No block of commands in a skill is left out of the tests."""
    marks = {one.mark for one in examples(path)}
    assert marks <= {"run", "step"}
    assert marks


def test_the_skill_names_every_tool() -> None:
    """The daily skill knows all tools."""
    text = (BUNDLE / "skills/clawtrail/SKILL.md").read_text(encoding="utf-8")
    assert {name for name in TOOLS if f"`{name}`" not in text} == set()
