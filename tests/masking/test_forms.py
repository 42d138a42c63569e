"""The forms in which programs print a value: none of them gets through."""

import random
import string

import pytest

from benchmarks.planting.printing import forms
from benchmarks.planting.searching import found_in, needles
from worker.masking.streams import Masking

KEY = "-----BEGIN THING-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nAoIBAQC7VJTUt9Us8cKjMzEf\n-----END THING-----\n"


def test_no_form_of_any_value_is_left() -> None:
    """What python and bash make of a value is masked, whatever characters it has."""
    rnd = random.Random(11)
    alphabet = string.printable[:95] + "\täß€😀"
    for _ in range(40):
        value = "".join(rnd.choices(alphabet, k=rnd.randint(8, 40)))
        masking = Masking([value])
        for name, text in forms(value).items():
            line = f"before{text}after".encode(errors="surrogateescape")
            shown = masking.show(line)
            assert not list(found_in(shown.data, {name: needles(value)[name]})), (value, name)
            assert (shown.known, len(shown.data)) == (1, len(line))
            assert (shown.data[:5], shown.data[-4:]) == (b"befor", b"fter")


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("pass word+1", b"pass+word%2b1"),
        ("a<b>&c'd\"e", b"a\\u003cb\\u003e\\u0026c'd\\\"e"),
        ("a<b>&c'd\"e", b"a&lt;b&gt;&amp;c&#39;d&quot;e"),
        ("it's \\here", b"it'\\''s \\here"),
        ("it's \\here", b'"it\'s \\\\\\\\here"'),
        ("deadbeef-1", b"64:65:61:64:62:65:65:66:2d:31"),
        ("deadbeef-1", b"64 65 61 64 62 65 65 66 2d 31"),
        ("windows one", "windows one".encode("utf-16-le")),
        (KEY, KEY.replace("\n", "\r\n").encode()),
        (KEY, b"    MIIEvQIBADANBgkqhkiG9w0BAQ\n"),
    ],
)
def test_other_ways_of_writing_it(value: str, printed: bytes) -> None:
    """URL, JSON, HTML, shells, hex dumps, UTF-16, line ends of Windows, single lines."""
    assert Masking([value]).show(b"x: " + printed + b" .").known == 1


def test_base64_that_is_broken_into_lines() -> None:
    """What base64 and openssl make of a long value alone is masked line by line."""
    import base64

    value = "".join(random.Random(5).choices(string.ascii_letters, k=120))
    for content in (value, value + "\n"):
        text = base64.b64encode(content.encode()).decode()
        for width in (64, 76):
            lines = [text[at : at + width] for at in range(0, len(text), width)]
            shown = Masking([value]).text("\n".join(lines))
            assert not any(line[:12] in shown for line in lines)


def test_short_values_are_left_alone() -> None:
    """A value of under 8 bytes would hide half of everything."""
    assert Masking(["1234567"]).text("1234567") == "1234567"
    assert Masking(["12345678"]).text("12345678") == "*" * 8


def test_json_is_masked_in_names_too() -> None:
    """Every text in metadata is masked and counted; the rest stays."""
    masked, count = Masking(["correct horse"]).json(
        {"correct horse": [1, "a correct horse", None], "n": True}
    )
    assert (masked, count) == ({"*" * 13: [1, "a " + "*" * 13, None], "n": True}, 2)
