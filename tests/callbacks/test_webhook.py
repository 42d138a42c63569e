"""The sink ``webhook``: signed as Standard Webhooks say, and never to where no callback may go."""

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.certificates import self_signed
from tests.support.scripted_server import DROP, Reply, ScriptedServer, reply
from tests.support.told import SESSION, ended
from worker.callbacks import pinning
from worker.callbacks.sink import NotSent
from worker.callbacks.webhook import MOST_OUTPUT, Webhook

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
HOST = "hooks.example.test"


class Names:
    """Answers of a name server, one after the other, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Answer a question for the addresses of *host*."""
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def hook(chat: ScriptedServer, *answers: Sequence[str], private: bool = True) -> tuple[Webhook, Names]:
    """Make a sink that posts to a name, which the name server says is the test's server."""
    names = Names(*(answers or [["127.0.0.1"]]))
    port = chat.url.rpartition(":")[2]
    url = f"http://{HOST}:{port}/in?from=clawtrail"
    return Webhook(url, SECRET, private=private, resolve=names, wall=lambda: 1_700_000_000.9), names


def test_end_is_posted_and_signed(chat: ScriptedServer) -> None:
    """The signature is over id, time and body; tries of one end have one id."""
    chat.on("POST", "/in", Reply(204, b""))
    sink, _ = hook(chat)
    sink.send(ended(channel="anything"), "a-token")
    sink.send(ended(), None)
    first, second = chat.asked
    name, at = first.headers["webhook-id"], first.headers["webhook-timestamp"]
    assert (name, at) == ("task-1-1", "1700000000")
    signed = hmac.new(KEY, f"{name}.{at}.".encode() + first.body, hashlib.sha256).digest()
    assert first.headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"
    assert second.headers["webhook-id"] == name
    assert first.query == {"from": "clawtrail"}
    assert first.headers["Host"].startswith(f"{HOST}:")
    said = first.json
    assert (said["type"], said["timestamp"]) == ("task.ended", "2023-11-14T22:13:20Z")
    assert said["data"] == {
        "taskId": "task-1",
        "attempt": 1,
        "kind": "claude-cli",
        "status": "completed",
        "reason": "exit",
        "exitCode": 0,
        "error": None,
        "durationMs": 236_000,
        "sessionId": SESSION,
        "channel": "anything",
        "output": "All done.",
        "outputCut": False,
    }


def test_signature_is_that_of_the_standards_own_example() -> None:
    """The example of the Standard Webhooks libraries has the same signature."""
    sink = Webhook("https://example.test", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = sink._signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')  # noqa: SLF001
    assert made == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_long_output_is_cut(chat: ScriptedServer) -> None:
    """Only its end is told, and that it is not all."""
    chat.on("POST", "/in", reply(200, {}))
    hook(chat)[0].send(ended(output="a" * MOST_OUTPUT + "b"), None)
    data = json.loads(chat.asked[0].body)["data"]
    assert (len(data["output"]), data["output"][-1], data["outputCut"]) == (MOST_OUTPUT, "b", True)


@pytest.mark.parametrize(
    ("answer", "asks", "sentence"),
    [
        (reply(302, {}, Location="http://169.254.169.254/latest/meta-data/"), (False, 0.0), "302"),
        (reply(307, {}, Location="/in"), (False, 0.0), "307"),
        (reply(410, {}), (False, 0.0), "410"),
        (reply(429, {}, Retry_After="11"), (True, 11.0), "429"),
        (reply(503, {}, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), (True, 0.0), "503"),
        (reply(500, "x" * 9999), (True, 0.0), "500: "),
        (DROP, (True, 0.0), "no answer"),
    ],
)
def test_only_2xx_is_a_yes_and_nothing_is_followed(
    chat: ScriptedServer, answer: Reply, asks: tuple[bool, float], sentence: str
) -> None:
    """A redirect is a no, wherever it leads."""
    chat.on("POST", "/in", answer)
    with pytest.raises(NotSent, match=sentence) as trouble:
        hook(chat)[0].send(ended(), None)
    assert (trouble.value.again, trouble.value.pause) == asks
    assert len(chat.asked) == 1
    assert len(str(trouble.value)) < 300


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0"),
        *("::1", "fe80::1%eth0", "fd00::1", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "192.0.2.1"),
        *(
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:0:0:0:0:80ff:fffe",
        ),
    ],
)
def test_no_address_of_a_network_of_ones_own(chat: ScriptedServer, address: str) -> None:
    """In whatever disguise; also when it is the second one that a name has. Nothing is asked."""
    sink, _ = hook(chat, ["93.184.216.34", address], private=False)
    with pytest.raises(NotSent, match="where no callback may go") as trouble:
        sink.send(ended(), None)
    assert not trouble.value.again
    assert not chat.asked


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254"]
)
def test_some_addresses_are_never_allowed(address: str) -> None:
    """Where clouds keep the metadata of a machine, no callback goes by any setting."""
    assert not pinning.is_allowed(address, private=True)


def test_the_open_internet_is_allowed() -> None:
    """Of both families, and by whatever way."""
    for address in ("93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"):
        assert pinning.is_allowed(address, private=False)
    assert pinning.is_allowed("10.0.0.1", private=True)


def test_name_that_changes_meanwhile_changes_nothing(chat: ScriptedServer) -> None:
    """A name is resolved once for each try; what is connected to is what was looked at."""
    chat.on("POST", "/in", reply(200, {}))
    sink, names = hook(chat, ["127.0.0.1"], ["169.254.169.254"])
    sink.send(ended(), None)
    assert len(names.asked) == 1
    assert len(chat.asked) == 1
    with pytest.raises(NotSent, match=r"is at 169\.254\.169\.254"):
        sink.send(ended(), None)


def test_next_address_is_tried_when_one_is_not_there(chat: ScriptedServer) -> None:
    """A name may have several; they were all looked at."""
    chat.on("POST", "/in", reply(200, {}))
    hook(chat, ["127.0.0.2", "127.0.0.1"])[0].send(ended(), None)
    assert len(chat.asked) == 1


def test_name_without_addresses_is_worth_another_try() -> None:
    """The name server may be away."""
    for names in (Names([]), pinning.resolve):
        with pytest.raises(NotSent, match="there is no computer of that name") as trouble:
            Webhook("https://nowhere.invalid/", SECRET, resolve=names).send(ended(), None)
        assert trouble.value.again


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScriptedServer, Path]]:
    """A server with a certificate for the name, and the file that says whom to trust."""
    certificate, key = self_signed(tmp_path_factory.mktemp("tls"), HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ScriptedServer(context).running() as server:
        server.on("POST", "/", reply(200, {}))
        yield server, certificate


def test_certificate_is_for_the_name(secure: tuple[ScriptedServer, Path]) -> None:
    """TLS asks for the name and checks it, though the connection goes to the address."""
    server, trusted = secure
    port = server.url.rpartition(":")[2]
    names = Names(["127.0.0.1"])

    def send(host: str, ca_file: str | None) -> None:
        url = f"https://{host}:{port}"
        Webhook(url, SECRET, private=True, ca_file=ca_file, resolve=names).send(ended(), None)

    send(HOST, str(trusted))
    assert len(server.asked) == 1
    assert server.asked[0].headers["Host"] == f"{HOST}:{port}"
    for host, ca_file in (("other.example.test", str(trusted)), (HOST, None)):
        with pytest.raises(NotSent, match="its TLS certificate is not accepted"):
            send(host, ca_file)
    assert len(server.asked) == 1
