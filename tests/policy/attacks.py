"""Attempts on the careful policy, put together by Hypothesis: ordinary beginnings, hostile pieces."""

from dataclasses import dataclass

from hypothesis import strategies as st

# Nothing in this file may do more harm than to leave the marker or tell the secret: what a fault of a policy
# lets through is run for real.
_PIECES: dict[str, list[str]] = {
    "git log": [
        "--output={M}",
        "--ext-diff",
        "-p",
        "--textconv",
        "-Sx",
        "-1",
        "--oneline",
        "--author={M}",
        "--stat",
    ],
    "git diff": [
        "--no-index",
        "--outp={M}",
        "--ext-d",
        "-O../../.ssh/id_secret",
        "--stat",
        "HEAD",
        "--cached",
    ],
    "git grep": [
        "-Otouch",
        "--open=touch",
        "-f../../.ssh/id_secret",
        "--no-index",
        "-n",
        "-l",
        "SECRET",
        "-i",
    ],
    "git show": ["HEAD:../../.ssh/id_secret", "HEAD", "--stat", "-s", "--output {M}"],
    "git blame": ["--contents {H}/.ssh/id_secret", "-s", "-w"],
    "git": [
        "-c core.pager=touch {M} log",
        "branch list",
        "tag list",
        "stash -a",
        "-C ../../Notes status",
        "ls-remote",
    ],
    "git fetch": ["--upload-pack=touch {M}", "--upload-p=touch {M}", "ext::touch% {M}"],
    "find": [
        "-exec touch {M} ;",
        "-exec touch {M} +",
        "-ok touch {M} ;",
        "-fprint {M}",
        "-name x",
        "-type f",
        "-L",
        ".",
    ],
    "sha256sum": ["-c ../../Notes/list", "-c list", "--check list", "-c"],
    "grep": [
        "-r SECRET ..",
        "-R x ../../.ssh",
        "-f ../../.ssh/id_secret x",
        "-n SECRET",
        "-c",
        "SECRET",
        "-i",
        ".",
    ],
    "wc": ["--files0-from=../../.ssh/id_secret", "-l", "-c"],
    "cat": ["-n", "-A"],
    "head": ["-n 5", "-c 9", "-5", "--bytes=9"],
    "tail": ["-n 5", "-f", "-5", "--pid=1"],
    "ls": ["-la", "-R", "-L", "-1", "--color=auto"],
    "du": ["-sh", "-X../../.ssh/id_secret", "--files0-from=../../.ssh/id_secret"],
    "date": ["-f ../../.ssh/id_secret", "-r ../../.ssh/id_secret", "-u", "+%s"],
    "pytest": ["-p evil", "-q", "-k x", "-c {H}/Notes/x.ini", "--lf"],
    "make test": ["-f {H}/Notes/Makefile", "--eval=x:;touch {M}", "CC=touch", "SHELL={H}/evil"],
    "go test ./...": ["-exec touch", "-toolexec=touch"],
    "npm test": ["--script-shell={H}/evil", "-- x"],
    "echo": ["x", "-e", "SECRET"],
    "./links/git log": ["-1", "--output={M}"],
    "/usr/bin/git status": ["-s", "-c x"],
    "sh": ["-c touch {M}", "-ec touch {M}"],
    "env": ["touch {M}", "-i touch {M}"],
}
_PLACES = (
    *(
        "README.md",
        "src",
        ".",
        "HEAD",
        "HEAD~1",
        "--",
        "-",
        "",
        "x",
        "..",
        "/",
        "~",
        ".env",
        ".git/config",
        "list",
    ),
    *(
        "../../.ssh/id_secret",
        "{H}/.ssh/id_secret",
        "~/.ssh/id_secret",
        "link-to-secret",
        "link-to-ssh/id_secret",
    ),
    *("src/../../../.ssh/id_secret", "//{H}/.ssh/id_secret", "/proc/self/cwd/../../.ssh/id_secret", "{M}"),
    *(
        "../../Notes/hard-link-to-secret",
        "hard-link-to-secret",
        "../../Notes/list",
        "./link-to-ssh/../id_secret",
    ),
)
_BEFORE = (
    "",
    "",
    "",
    "@",
    "of=",
    "a:",
    "HEAD:",
    "--file=",
    "-f",
    "-I",
    "--output=",
    "-o",
    "x,",
    "<",
    ">",
    "-c",
    "=",
)
_GLUE = st.sampled_from(
    [
        *(
            "; touch {M}",
            " && touch {M}",
            " | tee {M}",
            " > {M}",
            "\ntouch {M}",
            " & touch {M}",
            "\r touch {M}",
        ),
        *(
            " $(touch {M})",
            " `touch {M}`",
            ' "$(touch {M})"',
            " ${X:-$(touch {M})}",
            " <(touch {M})",
            "\u2028touch {M}",
        ),
        *(
            " < ../../.ssh/id_secret",
            " ../../.ss?/id_secret",
            " {../../.ssh/id_secret,x}",
            " $HOME/.ssh/id_secret",
        ),
        *(
            "'",
            '"',
            "\\",
            "$",
            "`",
            "(",
            ")",
            "{",
            "}",
            "#",
            "!",
            "~",
            "*",
            "?",
            "[a]",
            "\t",
            "\u00a0",
            "\x00",
            "\x0b",
        ),
    ]
)
_ENV = st.sampled_from(
    [
        *(
            ("PATH", "{H}/Notes/bin"),
            ("GIT_PAGER", "touch {M}"),
            ("GIT_EXTERNAL_DIFF", "touch {M}"),
            ("PAGER", "x"),
        ),
        *(
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_DIR", "{H}/Notes"),
            ("GIT_TRACE", "{M}"),
            ("BASH_ENV", "x"),
            ("IFS", "/"),
        ),
    ]
)
_FOLDERS = (
    "code/project",
    "code/project",
    "code/project/src",
    "Notes",
    "",
    ".ssh",
    "code/project/.git",
    "code",
)


@dataclass(frozen=True)
class Attempt:
    """What is tried: words or a text, a variable perhaps, and the folder below the home folder."""

    words: tuple[str, ...]
    text: str | None
    env: tuple[str, str] | None
    folder: str


def attempts() -> st.SearchStrategy[Attempt]:
    """Make attempts; about one in ten is allowed, most others are asked."""
    words = st.sampled_from(sorted(_PIECES)).flatmap(_words)
    text = st.one_of(st.none(), st.none(), st.none(), st.lists(_GLUE, max_size=2).map("".join))
    env = st.one_of(*[st.none()] * 5, _ENV)
    return st.builds(Attempt, words, text, env, st.sampled_from(_FOLDERS))


def _words(beginning: str) -> st.SearchStrategy[tuple[str, ...]]:
    place = st.tuples(st.sampled_from(_BEFORE), st.sampled_from(_PLACES)).map(lambda pair: ("".join(pair),))
    piece = st.sampled_from(_PIECES[beginning]).map(_split)
    return st.lists(st.one_of(piece, place), max_size=3).map(lambda rest: sum(rest, _split(beginning)))


def _split(piece: str) -> tuple[str, ...]:
    """Make words of a piece; what a blank would tear apart, such as ``core.pager=touch {M}``, stays whole."""
    return tuple(word.replace("\0", " ") for word in piece.replace("=touch {M}", "=touch\0{M}").split(" "))
