"""The shapes of common tokens: what begins like one and goes on like one is masked, known or not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ALNUM = b"[A-Za-z0-9]"
_WORD = b"[A-Za-z0-9_-]"
_UPPER = b"[A-Z0-9]"
_DIGIT = b"[0-9]"
_B64 = b"[A-Za-z0-9+/]"
_TOKEN68 = b"[A-Za-z0-9._~+/=-]"
_ASSIGN = rb"[ \t:=>\"'\\]"
CONTEXT = 30
"""So many bytes before a token may decide whether it is one."""

_FRESH = rb"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F][0-9A-F])|(?<=[\[0-9]m))"
"""Not in the middle of a word; letters of an escape, or of a colour, are no word."""


@dataclass(frozen=True)
class Piece:
    """Between *least* and *most* bytes of one class."""

    of: bytes
    least: int = 1
    most: int = 1


@dataclass(frozen=True)
class Shape:
    """One kind of token: pieces in a row, then as many bytes of *run* as there are.

    The pieces are all that has to be seen to know it. *hidden* are the pieces that are masked, all unless
    it says others; the run always is. *fresh* says what may stand before, *closed* what must not follow.
    """

    name: str
    pieces: Sequence[Piece]
    run: bytes | None = None
    fresh: bytes = _FRESH
    closed: bytes | None = None
    hidden: tuple[int, int] | None = None

    @property
    def pattern(self) -> bytes:
        """A regular expression with a group of the shape's name around what is masked."""
        begin, end = self.hidden or (0, len(self.pieces))
        parts = [b"%s{%d,%d}" % (one.of, one.least, one.most) for one in self.pieces]
        parts[begin] = b"(?P<%s>" % self.name.encode() + parts[begin]
        parts[end - 1] += (b"%s*" % self.run if self.run else b"") + b")"
        return self.fresh + b"".join(parts) + (b"(?!%s)" % self.closed if self.closed else b"")

    @property
    def begun(self) -> bytes:
        """A regular expression for data that ends in the middle of the pieces."""
        rest = b"%s{0,%d}" % (self.pieces[-1].of, self.pieces[-1].most - (self.closed is None))
        for piece in reversed(self.pieces[:-1]):
            open_here = b"%s{0,%d}" % (piece.of, piece.most)
            rest = b"(?:%s{%d,%d}(?:%s)|%s)" % (piece.of, piece.least, piece.most, rest + rb"\Z", open_here)
        return self.fresh + b"(?=%s)" % self.pieces[0].of + rest + rb"\Z"

    @property
    def longest(self) -> int:
        """The most bytes that its pieces take."""
        return sum(piece.most for piece in self.pieces) + 1


def _literal(text: str) -> list[Piece]:
    return [Piece(re.escape(one).encode()) for one in text]


def _either_case(text: str) -> list[Piece]:
    return [
        Piece(b"[%s%s]" % (one.lower().encode(), one.upper().encode()))
        if one.isalpha()
        else Piece(b"[_-]", 0)
        for one in text
    ]


def _prefixed(name: str, prefix: Sequence[Piece], of: bytes, least: int, fresh: bytes = _FRESH) -> Shape:
    return Shape(name, [*prefix, Piece(of, least, least)], run=of, fresh=fresh)


def _header(name: str, head: list[Piece], least: int) -> Shape:
    pieces = [*head, Piece(b"[ ]", 1, 4), Piece(_TOKEN68, least, least)]
    return Shape(name, pieces, run=_TOKEN68, hidden=(len(pieces) - 1, len(pieces)))


def _aws_secret(name: str, head: list[Piece], *, fresh: bytes = _FRESH) -> Shape:
    pieces = [*head, Piece(rb"[ \t:=>\"'\\,;|]", 1, 12), Piece(_B64, 40, 40)]
    return Shape(name, pieces, fresh=fresh, closed=b"[A-Za-z0-9+/=]", hidden=(len(pieces) - 1, len(pieces)))


_AWS_ID = [Piece(b"A"), Piece(b"[KS]"), *_literal("IA"), Piece(_UPPER, 16, 16)]
_HOOK = b"(?:" + b"|".join(b"(?<=/webhooks/[0-9]{%d})" % digits for digits in (17, 18, 19, 20)) + b")"
_KEY_LINES = Piece(rb"[\s\\nr\"',+]", 1, 12)

SHAPES: tuple[Shape, ...] = (
    _prefixed("github", [*_literal("gh"), Piece(b"[pousr]"), *_literal("_")], _ALNUM, 30, fresh=b""),
    _prefixed("github_pat", _literal("github_pat_"), b"[A-Za-z0-9_]", 22, fresh=b""),
    _prefixed("gitlab", [*_literal("gl"), Piece(b"[a-z]", 2, 5), *_literal("-")], _WORD, 20),
    _aws_secret("aws_pair", _AWS_ID),
    Shape("aws_id", _AWS_ID, closed=_ALNUM),
    _aws_secret("aws_secret", _either_case("secret-access-key"), fresh=b""),
    _prefixed("slack", [*_literal("xox"), Piece(b"[a-z]"), *_literal("-")], b"[A-Za-z0-9-]", 18),
    _prefixed("slack_app", _literal("xapp-"), b"[A-Za-z0-9-]", 20),
    _prefixed("slack_hook", [*_literal("hooks.slack.com/"), Piece(b"[a-z]", 5, 12), *_literal("/T")],
              b"[A-Za-z0-9/]", 24),
    Shape(
        "discord",
        [
            Piece(b"[MNO]"),
            Piece(_WORD, 22, 27),
            *_literal("."),
            Piece(_WORD, 6, 6),
            *_literal("."),
            Piece(_WORD, 27, 27),
        ],
        run=_WORD,
    ),
    Shape("discord_hook", [*_literal("/"), Piece(_WORD, 50, 50)], run=_WORD, fresh=_HOOK),
    _prefixed("openai", _literal("sk-"), _ALNUM, 32),
    Shape("api_key", [*_literal("sk-"), Piece(b"[a-z0-9]", 2, 10), *_literal("-"), Piece(_WORD, 32, 32)],
          run=_WORD),
    Shape("google", [*_literal("AIza"), Piece(_WORD, 35, 35)], closed=_WORD),
    Shape("discord_user", [*_literal("mfa."), Piece(_WORD, 60, 60)], run=_WORD),
    _prefixed("google_access", _literal("ya29."), b"[A-Za-z0-9_.-]", 40),
    _prefixed("google_oauth", _literal("GOCSPX-"), _WORD, 24),
    _prefixed("stripe", [Piece(b"[sr]"), *_literal("k_"), Piece(b"[a-z]", 4, 4), *_literal("_")], _ALNUM, 16),
    _prefixed("stripe_hook", _literal("whsec_"), b"[A-Za-z0-9+/]", 24),
    _prefixed("sendgrid", [*_literal("SG."), Piece(_WORD, 16, 24), *_literal(".")], _WORD, 32),
    _prefixed("hugging_face", _literal("hf_"), _ALNUM, 30),
    _prefixed("npm_config", _literal("_authToken="), _TOKEN68, 16, fresh=b""),
    _prefixed("npm", _literal("npm_"), _ALNUM, 36, fresh=b""),
    _prefixed("pypi", _literal("pypi-"), _WORD, 50, fresh=b""),
    Shape("jwt", [*_literal("eyJ"), Piece(_WORD, 12, 512), *_literal(".eyJ"), Piece(_WORD, 8, 8)],
          run=b"[A-Za-z0-9_.-]"),
    Shape("jwe", [*_literal("eyJ"), Piece(_WORD, 12, 512), *_literal("."), Piece(_WORD, 0, 360),
                  *_literal("."), Piece(_WORD, 16, 16)], run=b"[A-Za-z0-9_.-]"),
    Shape("telegram", [*_literal(":AA"), Piece(_WORD, 33, 33)], fresh=b"(?<=[0-9]{8})", closed=_WORD,
          hidden=(1, 4)),
    _prefixed("clawtrail", [*_literal("ct"), Piece(b"[acrvw]"), *_literal("_")], _WORD, 32),
    _header("bearer", [Piece(b"[Bb]"), *_literal("earer")], 20),
    _header(
        "authorization",
        [Piece(b"[Aa]"), *_literal("uthorization"), Piece(_ASSIGN, 1, 6), Piece(_ALNUM, 3, 12)],
        8,
    ),
    Shape(
        "authorization_bare",
        [Piece(b"[Aa]"), *_literal("uthorization"), Piece(_ASSIGN, 1, 6), Piece(_TOKEN68, 16, 16)],
        run=_TOKEN68,
        hidden=(14, 15),
    ),
    Shape(
        "url",
        [*_literal("://"), Piece(rb"[^\s/:@\"'<>]", 0, 64), *_literal(":"),
         Piece(rb"[^\s/@\"'<>$*{]"), Piece(rb"[^\s/@\"'<>]", 0, 127), *_literal("@")],
        hidden=(5, 7),
        fresh=b"",
    ),
    Shape(
        "private_key",
        [*_literal("PRIVATE KEY"), Piece(b"[ BLOCK]", 0, 6), *_literal("-----"), _KEY_LINES,
         Piece(_B64, 20, 20)],
        run=rb"[A-Za-z0-9+/=\s\\\"',]",
        hidden=(18, 19),
        fresh=b"",
    ),
    Shape(
        "encrypted_key",
        [*_literal("DEK-Info:"), Piece(b"[ A-Za-z0-9-]", 4, 24), *_literal(","),
         Piece(b"[A-Fa-f0-9]", 16, 64), _KEY_LINES, Piece(_B64, 20, 20)],
        run=rb"[A-Za-z0-9+/=\s\\\"',]",
        hidden=(13, 14),
        fresh=b"",
    ),
)  # fmt: skip
