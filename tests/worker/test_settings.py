"""The settings of the worker and the command that takes them."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from config.sources import faults
from config.worker import WorkerSettings, load
from worker.cli import worker

TOKEN = "wim-token-0123456789"


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with a token and none of our other names."""
    for name in ("WORKER_URL", "CLAWTRAIL_URL", "CLAWTRAIL_CONFIG", "LONG_POLL_WAIT", "MAX_CONCURRENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORKER_TOKEN", TOKEN)
    return monkeypatch


def faults_of(config: Path | None = None, **given: object) -> list[str]:
    """Give what is wrong with the settings."""
    with pytest.raises(ValidationError) as caught:
        load(config, **given)
    return faults(caught.value)


def test_a_token_is_all_that_must_be_set() -> None:
    """Everything else has a default."""
    settings = load()
    assert settings.url == "http://127.0.0.1:3456"
    assert (settings.max_concurrent, settings.wait, settings.drain) == (3, 25000, 30)
    assert settings.name
    assert settings.state.is_absolute()


def test_old_names_are_honoured(environ: pytest.MonkeyPatch) -> None:
    """The environment of an openclaw-worker needs no change."""
    environ.setenv("WORKER_URL", "https://tasks.example.org/")
    environ.setenv("LONG_POLL_WAIT", "30000")
    environ.setenv("POLL_INTERVAL", "750")
    environ.setenv("MAX_CONCURRENT", "5")
    settings = load()
    assert settings.url == "https://tasks.example.org"
    assert settings.token.get_secret_value() == TOKEN
    assert (settings.wait, settings.poll_interval, settings.max_concurrent) == (25000, 750, 5)


def test_new_names_go_before_old_ones(environ: pytest.MonkeyPatch) -> None:
    """Where both are set, ours is meant."""
    environ.setenv("MAX_CONCURRENT", "5")
    environ.setenv("CLAWTRAIL_WORKER_MAX_CONCURRENT", "6")
    assert load().max_concurrent == 6


def test_command_line_then_environment_then_file(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The nearer wins, also when the same thing is given under another name."""
    file = tmp_path / "worker.env"
    file.write_text("MAX_CONCURRENT=4\nCLAWTRAIL_WORKER_NAME=filed\nCLAWTRAIL_WORKER_DRAIN=1\n")
    environ.setenv("CLAWTRAIL_WORKER_NAME", "named")
    environ.setenv("CLAWTRAIL_WORKER_DRAIN", "2")
    settings = load(file, CLAWTRAIL_WORKER_DRAIN=3.0)
    assert (settings.max_concurrent, settings.name, settings.drain) == (4, "named", 3)


def test_old_name_in_the_environment_wins_over_a_new_one_in_the_file(
    environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a setting stands decides before how it is called."""
    file = tmp_path / "worker.env"
    file.write_text("CLAWTRAIL_WORKER_MAX_CONCURRENT=4\n")
    environ.setenv("MAX_CONCURRENT", "5")
    assert load(file).max_concurrent == 5


def test_values_can_stand_in_files(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """NAME_FILE names a file with the value, in the environment or in the settings file."""
    (tmp_path / "token").write_text(f"{TOKEN}-of-file\n")
    environ.delenv("WORKER_TOKEN")
    environ.setenv("WORKER_TOKEN_FILE", str(tmp_path / "token"))
    assert load().token.get_secret_value() == f"{TOKEN}-of-file"
    environ.delenv("WORKER_TOKEN_FILE")
    (tmp_path / "env").write_text(f"CLAWTRAIL_WORKER_TOKEN_FILE={tmp_path}/token\n")
    assert load(tmp_path / "env").token.get_secret_value() == f"{TOKEN}-of-file"


def test_all_faults_are_told_at_once(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One start shows everything that has to be put right, and no secret."""
    environ.setenv("WORKER_TOKEN", "two words")
    environ.setenv("MAX_CONCURRENT", "many")
    environ.setenv("CLAWTRAIL_WORKER_NAME", "no/slash")
    environ.setenv("CLAWTRAIL_WORKER_SHELL_FILE", str(tmp_path / "missing"))
    environ.setenv("CLAWTRAIL_WORKER_LABELS", "os=linux,gpu")
    told = "\n".join(faults_of())
    assert "two words" not in told
    for word in ("TOKEN", "MAX_CONCURRENT", "NAME", "SHELL_FILE cannot be read", "a label is k=v, not 'gpu'"):
        assert word in told


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("http://127.0.0.1:3456", True),
        ("http://localhost:3456", True),
        ("http://[::1]:3456", True),
        ("https://tasks.example.org/base", True),
        ("http://tasks.example.org", False),
        ("http://192.168.1.5:3456", False),
        ("http://127.0.0.1.example.org", False),
        ("ftp://127.0.0.1", False),
        ("tasks.example.org", False),
        ("https://tasks.example.org/?x=1", False),
    ],
)
def test_plain_http_stays_on_the_machine(environ: pytest.MonkeyPatch, url: str, *, fine: bool) -> None:
    """The token travels to other machines over https only."""
    environ.setenv("WORKER_URL", url)
    if fine:
        assert load().url == url
    else:
        assert faults_of()


def test_plain_http_can_be_allowed(environ: pytest.MonkeyPatch) -> None:
    """Who says so may let the token be read on the way."""
    environ.setenv("WORKER_URL", "http://192.168.1.5:3456")
    assert load(CLAWTRAIL_WORKER_INSECURE_HTTP=True).url == "http://192.168.1.5:3456"


def test_labels_are_a_list(environ: pytest.MonkeyPatch) -> None:
    """In the environment labels stand side by side."""
    environ.setenv("CLAWTRAIL_WORKER_LABELS", "os=linux, gpu=no zone=")
    assert load().labels == ["os=linux", "gpu=no", "zone="]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--max-concurrent", "0"], "CLAWTRAIL_WORKER_MAX_CONCURRENT"),
        (["--url", "http://tasks.example.org"], "its URL must be https"),
        (["--label", "gpu"], "a label is k=v"),
        (["--token-file", "/no/such/file"], "--token-file"),
        (["--config", "/no/such/file"], "There is no file"),
        (["--state", "/dev/null/state"], "/dev/null"),
    ],
)
def test_unusable_settings_end_with_2(arguments: list[str], word: str) -> None:
    """The command says what is wrong in a sentence, without a traceback, and leaves with 2."""
    result = CliRunner().invoke(worker, arguments)
    assert result.exit_code == 2
    assert word in result.output
    assert TOKEN not in result.output


@pytest.mark.parametrize("key", ["nonsense", "tasks.example.net/log+530d903a+AAAA", "a b+530d903a+AAAA"])
def test_key_of_the_record_is_a_verifier_key(environ: pytest.MonkeyPatch, tmp_path: Path, key: str) -> None:
    """What is no verifier key ends the worker before it talks; the setting is named, all is closed."""
    environ.setenv("CLAWTRAIL_WORKER_LOG_KEY", key)
    result = CliRunner().invoke(worker, ["--state", str(tmp_path)])
    assert result.exit_code == 2
    assert "LOG_KEY" in result.output
    # A log beside a database says that somebody has it open.
    assert list(tmp_path.glob("*-wal")) == []


ACTS = {"accept_record", "accept_clock"}


def test_every_option_reaches_its_setting(environ: pytest.MonkeyPatch) -> None:
    """Each option of the command stands for a setting that exists, but for those that are acts."""
    names = {option.name for option in worker.params} - {"token_file", "config", *ACTS}
    assert names <= set(WorkerSettings.model_fields)


def test_example_file_names_every_setting() -> None:
    """The example shows each setting with its default, and nothing that does not exist."""
    example = (Path(__file__).parents[2] / "config/worker.example.env").read_text()
    shown = {
        line.lstrip("#").partition("=")[0]
        for line in example.splitlines()
        if line.startswith(("CLAWTRAIL_", "#CLAWTRAIL_"))
    }
    settings = {f"CLAWTRAIL_WORKER_{name.upper()}" for name in WorkerSettings.model_fields}
    assert shown - {"CLAWTRAIL_WORKER_TOKEN_FILE"} == settings
