"""A program that prints what it was given in the variable S, in many forms: `FORM<tab>TEXT` a line.

It is what a task runs. It knows nothing of what a worker looks for.
"""

import base64
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote


def forms(value: str) -> dict[str, str]:
    """Give the forms by name."""
    data, units = value.encode(), value.encode("utf-16-be").hex()
    return {
        "literal": value,
        "base64, from its first byte": base64.b64encode(data).decode(),
        "base64, after one byte": base64.b64encode(b"x" + data).decode(),
        "base64, after two bytes": base64.b64encode(b"xy" + data).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(data).decode(),
        "URL": quote(value, safe=""),
        "JSON": json.dumps(value)[1:-1],
        "JSON, all escaped": "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)),
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "reversed": value[::-1],
        "quoted": shlex.quote(value),
        "quoted by bash": subprocess.run(
            ["bash", "-c", 'printf %q "$S"'],
            env={"S": value, "LC_ALL": "C"},
            capture_output=True,
            check=True,
        ).stdout.decode(errors="surrogateescape"),
    }


def main() -> None:
    """Print, also byte by byte, as a program that fails, and what stands openly in a file."""
    value, out = os.environ["S"], sys.stdout.buffer
    given = sys.stdin.buffer.read().decode()
    for name, text in forms(value).items():
        out.write(f"{name}\t{text}\n".encode(errors="surrogateescape"))
    out.write(f"from standard input\t{given}\n".encode())
    for byte in f"in pieces\t{value}\n".encode():
        out.write(bytes([byte]))
        out.flush()
        time.sleep(0.0005)
    print(Path(sys.argv[1]).read_text())
    out.flush()
    raise RuntimeError(value)


if __name__ == "__main__":
    main()
