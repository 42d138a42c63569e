"""Where the client takes its server and its token from, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from clawtrail import Client, NotConfigured
from clawtrail.profile import find_profile

TOKEN = "ctc_ada-keeps-this-to-herself"


def written(folder: Path, content: str, mode: int = 0o600) -> Path:
    """Write a client.toml and return its path."""
    file = folder / "client.toml"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_arguments_win_over_environment_and_file(tmp_path: Path) -> None:
    """What is given as an argument is taken whatever else is set."""
    file = written(tmp_path, 'url = "http://127.0.0.1:1"\ntoken = "from-the-file"')
    environ = {"CLAWTRAIL_URL": "http://127.0.0.1:2", "CLAWTRAIL_TOKEN": "from-the-environment"}
    profile = find_profile(url="http://127.0.0.1:3", token="given", config=file, environ=environ)
    assert (profile.url, profile.token) == ("http://127.0.0.1:3", "given")


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    """The environment is taken where there are no arguments."""
    file = written(tmp_path, 'url = "http://127.0.0.1:1"\ntoken = "from-the-file"')
    environ = {"CLAWTRAIL_URL": "http://127.0.0.1:2", "CLAWTRAIL_TOKEN": "from-the-environment"}
    profile = find_profile(config=file, environ=environ)
    assert (profile.url, profile.token) == ("http://127.0.0.1:2", "from-the-environment")


def test_the_file_under_home_is_found(tmp_path: Path) -> None:
    """Without arguments and environment, client.toml of the configuration folder is read."""
    (tmp_path / "clawtrail").mkdir()
    (tmp_path / "token").write_text("from-its-own-file\n")
    written(tmp_path / "clawtrail", f'url = "https://tasks.example.net/"\ntoken_file = "{tmp_path}/token"')
    profile = find_profile(environ={"XDG_CONFIG_HOME": str(tmp_path)})
    assert (profile.url, profile.token) == ("https://tasks.example.net", "from-its-own-file")


def test_names_of_old_deployments_are_taken() -> None:
    """WORKER_URL and WORKER_TOKEN stand in where ours are not set."""
    profile = find_profile(
        environ={"WORKER_URL": "http://localhost:3456", "WORKER_TOKEN": "old", "XDG_CONFIG_HOME": "/nowhere"}
    )
    assert (profile.url, profile.token) == ("http://localhost:3456", "old")


def test_a_token_file_wins_over_the_old_name(tmp_path: Path) -> None:
    """CLAWTRAIL_TOKEN_FILE is read before WORKER_TOKEN is looked at."""
    (tmp_path / "token").write_text("new")
    environ = {"CLAWTRAIL_TOKEN_FILE": str(tmp_path / "token"), "WORKER_TOKEN": "old"}
    assert find_profile(url="http://localhost", environ=environ).token == "new"


@pytest.mark.parametrize(
    ("environ", "advice"),
    [({}, "CLAWTRAIL_URL"), ({"CLAWTRAIL_URL": "http://127.0.0.1:3456"}, "CLAWTRAIL_TOKEN")],
)
def test_what_is_missing_is_named(environ: dict[str, str], advice: str) -> None:
    """With nothing set, the error says which variable to set."""
    with pytest.raises(NotConfigured, match=advice):
        find_profile(environ=environ | {"XDG_CONFIG_HOME": "/nowhere"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "[::1]", "localhost"])
def test_plain_http_is_fine_on_this_machine(host: str) -> None:
    """Loopback addresses need no https."""
    assert find_profile(url=f"http://{host}:3456", token=TOKEN, environ={}).url == f"http://{host}:3456"


@pytest.mark.parametrize("host", ["tasks.example.net", "10.0.0.7", "localhost.example.net", "[fe80::1]"])
def test_plain_http_elsewhere_is_refused(host: str) -> None:
    """A token goes to another machine over https only, unless the owner allows it."""
    with pytest.raises(NotConfigured, match="https"):
        find_profile(url=f"http://{host}", token=TOKEN, environ={})
    assert (
        find_profile(url=f"http://{host}", token=TOKEN, insecure_http=True, environ={}).url
        == f"http://{host}"
    )


@pytest.mark.parametrize(
    "url",
    [
        "tasks.example.net",
        "ftp://host",
        "https://",
        "https://host/?a=b",
        "https://host:port",
        "https://u:p@host",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """An address that cannot be one of a server is named before anything is sent."""
    with pytest.raises(NotConfigured, match="address"):
        find_profile(url=url, token=TOKEN, environ={})


@pytest.mark.parametrize("token", [" ", "two words", "line\nbreak", "naïve"])
def test_what_is_no_token_is_refused_without_showing_it(token: str) -> None:
    """A token that cannot stand in a header is refused, and the error does not repeat it."""
    with pytest.raises(NotConfigured) as caught:
        find_profile(url="http://localhost", token=token, environ={})
    assert token.strip() == "" or token not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("url = ", "valid TOML"), ('adress = "x"', "unknown setting 'adress'"), ("url = 1", "must be a str")],
)
def test_faults_of_the_file_are_named(tmp_path: Path, content: str, complaint: str) -> None:
    """A configuration file with a fault is refused, not half read."""
    with pytest.raises(NotConfigured, match=complaint):
        find_profile(config=written(tmp_path, content), environ={})


def test_a_file_with_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The token in client.toml must be readable by its owner alone."""
    file = written(tmp_path, 'url = "http://localhost"\ntoken = "secret"', 0o644)
    with pytest.raises(NotConfigured, match="chmod 600"):
        find_profile(config=file, environ={})


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    """A missing --config is an error; a missing default file is not."""
    with pytest.raises(NotConfigured, match="cannot be read"):
        find_profile(config=tmp_path / "absent.toml", environ={})


def test_the_token_shows_nowhere() -> None:
    """Neither the client's repr nor the profile's holds the token."""
    with Client("http://localhost:1", TOKEN) as client:
        assert TOKEN not in repr(client)
    assert TOKEN not in repr(find_profile(url="http://localhost", token=TOKEN, environ={}))
