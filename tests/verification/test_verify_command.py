"""``quart --app quickpoll verify``, as a stranger types it."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quickpoll.cli.public_files import Place
from quickpoll.cli.verify import look, verify
from quickpoll.verification.findings import Kept
from tests.instances import bare_environment
from tests.verification.cheats import cheats
from tests.verification.serving import Server, served
from tests.verification.worlds import World, closed, honest, own, sealed

poll_id = "65f1c0ffee0000000000ca01"


def run(*arguments: str) -> Result:
    """What it answers; nothing is waited for that is not there yet."""
    return CliRunner().invoke(verify, ["--patience", "0", *arguments])


def options(world: World, folder: Path) -> list[str]:
    """Everything that was kept, in files."""
    found = []
    for name, contents in (
        ("since", world.kept.checkpoints),
        ("receipt", world.kept.receipts),
        ("promise", world.kept.promises),
    ):
        for number, content in enumerate(contents):
            file = folder / f"{name}-{number}"
            file.write_bytes(content)
            found += [f"--{name}", str(file)]
    for key in world.keys:
        found += ["--key", str(key)]
    return [*found, *(["--token", "abc"] if world.kept.shown else [])]


@pytest.mark.parametrize("name", honest)
def test_nothing_is_wrong_where_nobody_cheats(name: str, tmp_path: Path) -> None:
    world = honest[name]()
    with served(world.files, world.kept.shown) as server:
        result = run(f"{server.base}/polls/{world.poll_id}", *options(world, tmp_path))
    assert result.exit_code == 0, result.output
    assert f"Nothing is wrong with the log of {world.poll_id}" in result.output
    assert ("Closed with" in result.output) == (name in ("closed", "sealed", "revealed", "large"))


def test_the_result_is_said(server: Server) -> None:
    lines = run(f"{server.base}/polls/{own}").output.splitlines()
    counts = (closed().kept.shown or {})["counts"]
    found = [
        f"  {option_id} {votes}" for option_id, votes in counts.items() if option_id != "likes"
    ]
    assert lines[-4:] == ["Closed with 7 ballots. Votes for each option:", *found]


@pytest.mark.parametrize("name", cheats)
def test_a_cheat_is_one_of_the_lines(name: str, tmp_path: Path) -> None:
    code, make = cheats[name]
    world = make()
    with served(world.files, world.kept.shown) as server:
        result = run(f"{server.base}/log/{world.poll_id}", *options(world, tmp_path))
    assert result.exit_code == 1, result.output
    assert code in [line.partition(":")[0] for line in result.output.splitlines()]


@pytest.mark.parametrize("address", ["", poll_id, f"ftp://a.example/polls/{poll_id}"])
def test_what_is_no_address_is_one_line(address: str) -> None:
    result = run(address)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)


def test_a_copy_in_a_folder_is_checked_without_a_network(tmp_path: Path) -> None:
    for path, content in sealed().files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    result = run(str(tmp_path / "log" / sealed().poll_id))
    assert result.exit_code == 0, result.output
    assert "note: 2 of 7 ballots are sealed by erasure." in result.output
    (tmp_path / sealed().path("openings")).unlink()
    assert run(str(tmp_path / "log" / sealed().poll_id)).exit_code == 1


def test_what_a_live_update_said_may_be_written_out() -> None:
    announced = closed().kept.checkpoints[1].decode()
    other = announced.replace('"size": 2', '"size": 3')
    with served(closed().files) as server:
        address = f"{server.base}/polls/{closed().poll_id}"
        assert run(address, "--since", announced).exit_code == 0
        assert run(address, "--since", other).output.startswith("forked: ")


@pytest.mark.parametrize("option", ["--receipt", "--since", "--promise"])
def test_a_file_that_is_not_there_is_no_finding(option: str) -> None:
    result = run(f"https://a.example/polls/{poll_id}", option, "nowhere")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "nowhere" in result.output


@pytest.mark.parametrize("arguments", [("--key", "x"), ("--nonsense",)])
def test_what_was_typed_wrong_is_no_finding(arguments: tuple[str, ...]) -> None:
    result = run(f"https://a.example/polls/{poll_id}", *arguments)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)


def test_without_a_log_it_cannot_be_checked() -> None:
    with served({"log/key": closed().files["log/key"]}) as server:
        result = run(f"{server.base}/polls/{poll_id}")
    assert result.exit_code == 2
    assert "there is no log of poll" in result.output


def test_what_the_service_wrote_does_no_harm_to_a_terminal() -> None:
    evil = "\x9b31m\u202eevil"
    files = closed().serving(checkpoint=closed().signer.sign(f"{evil}\n1\n{'A' * 43}=\n")).files
    with served(files) as server:
        result = run(f"{server.base}/polls/{own}")
    assert result.exit_code == 1
    assert "evil" in result.output
    assert not {"\x9b", "\u202e"} & {*result.output}


@pytest.fixture
def server() -> Iterator[Server]:
    with served(closed().files, closed().kept.shown) as server:
        yield server


def test_the_token_goes_to_the_poll_alone(server: Server) -> None:
    assert run(f"{server.base}/polls/{own}", "--token", "abc").exit_code == 0
    told = {path for path, token in server.asked if token}
    assert told == {f"api/poll/get-poll-by-id/{own}"}


def test_a_token_that_is_refused_is_no_finding(server: Server) -> None:
    server.answers[f"api/poll/get-poll-by-id/{own}"] = [(401, {})]
    assert run(f"{server.base}/polls/{own}", "--token", "abc").exit_code == 2


def typed(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, in a folder without any settings."""
    full = [sys.executable, "-m", "quart", "--app", "quickpoll", "verify", *arguments]
    environment = {**bare_environment(), **more}
    return subprocess.run(
        full, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_stranger_needs_no_settings(server: Server, tmp_path: Path) -> None:
    found = typed(tmp_path, f"{server.base}/polls/{own}", *options(closed(), tmp_path))
    assert found.returncode == 0, found.stderr
    assert "Nothing is wrong" in found.stdout
    server.shown = {**server.shown, "question": "Another one?"}
    found = typed(tmp_path, f"{server.base}/polls/{own}", QUART_VERIFY_TOKEN="abc")
    assert found.returncode == 1
    assert found.stdout.startswith("definition: ")


def test_certificates_are_verified(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    self_signed(certificate, key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with served(closed().files, tls=tls) as server:
        address = f"{server.base}/polls/{own}"
        found = typed(tmp_path, address)
        assert found.returncode == 2
        assert "CERTIFICATE_VERIFY_FAILED" in found.stderr
        found = typed(tmp_path, address, SSL_CERT_FILE=str(certificate))
        assert found.returncode == 0, found.stderr
        with served({}) as plain:
            server.answers["log/key"] = [(302, {"Location": f"{plain.base}/log/key"})]
            found = typed(tmp_path, address, SSL_CERT_FILE=str(certificate))
            assert found.returncode == 2
            assert "redirected to a plain address" in found.stderr
            assert plain.asked == []


def self_signed(certificate: Path, key: Path) -> None:
    """A certificate for this machine that nobody vouches for."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def test_what_may_only_be_late_is_looked_at_again() -> None:
    """Openings have ten seconds after a close."""
    base = closed()
    with served(base.serving(openings=None).files) as server:

        def publish(_: float) -> None:
            server.files = base.files

        report = look(Place(server.base, own), (), Kept(), None, 12, publish)
        assert report.findings == []


@pytest.mark.parametrize(("closed_at", "looks"), [(None, 6), ("2026-01-01T00:00:00.000Z", 0)])
def test_it_is_waited_for_as_long_as_it_may_be_late(closed_at: str | None, looks: int) -> None:
    waited: list[float] = []
    shown = {**(closed().kept.shown or {}), "closedAt": closed_at}
    with served(closed().serving(openings=None).files, shown) as server:
        report = look(Place(server.base, own), (), Kept(), "abc", 12, waited.append)
    assert [one.code for one in report.findings] == ["openings_withheld"]
    assert waited == [2] * looks


def test_a_cheat_is_not_waited_for() -> None:
    waited: list[float] = []
    with served(closed().bare().then(b"x").files) as server:
        assert look(Place(server.base, own), (), Kept(), None, 12, waited.append).findings
    assert waited == []


def test_each_finding_is_a_line_however_many() -> None:
    world = closed().bare().then(*[b"x%d" % number for number in range(300)])
    with served(world.files) as server:
        lines = run(f"{server.base}/polls/{own}").output.splitlines()
    assert len([line for line in lines if line.startswith("entry_form: ")]) == 300
