"""The service with embedded stores, in one process: what ``make run`` starts.

For one machine and one folder; its data, and the secret that signs its tokens, are in
``.quickpoll/``. However it ends, its stores end with it and the data stays.
"""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import click
from hypercorn.config import Config
from hypercorn.run import run as serve_until_stopped

from quickpoll.auth.signing import sign_token
from quickpoll.localrun.child_process import LOOPBACK, until
from quickpoll.localrun.demo.seeding import seed_once
from quickpoll.localrun.embedded import EmbeddedStoreFailed, EmbeddedStores, StoreAddresses
from quickpoll.localrun.environment import environment_of_run
from quickpoll.localrun.way_in import (
    EVERYWHERE,
    WayIn,
    in_url,
    lan_address,
    latest_session,
    local_host,
)
from quickpoll.settings import (
    RUN_FOLDER,
    BadSettings,
    Settings,
    given_variables,
    load_settings,
)
from quickpoll.settings.run_record import (
    AlreadyRunning,
    RunDirectory,
    RunRecord,
    UnusableDirectory,
)

PACKAGE = Path(__file__).parent.parent
DEVELOPMENT_USER = "5eed5eed5eed5eed5eed0001"
DEVELOPMENT_TOKEN_LIFE = timedelta(days=30)
START_SECONDS = 60.0
LOOK_SECONDS = 0.5
NOWHERE = StoreAddresses("mongodb://127.0.0.1:1/quickpoll", LOOPBACK, 1)
"""What the settings are checked with while the stores have no address yet."""


class LaunchFailed(Exception):
    """The service cannot be started; the message is one line for a person."""


REFUSALS = (
    LaunchFailed,
    AlreadyRunning,
    UnusableDirectory,
    EmbeddedStoreFailed,
    BadSettings,
)
"""Whatever may keep the service from starting; each says why in one line."""


@click.command(help="Run QuickPoll with embedded stores, its data in .quickpoll/.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8001,
    show_default=True,
    help="Port to listen on.",
)
@click.option(
    "--host",
    default=LOOPBACK,
    show_default=True,
    help="Address to listen on; 0.0.0.0 lets everybody in the local network in.",
)
@click.option(
    "--with-parent", is_flag=True, help="End when the process that started this one does."
)
def main(port: int, host: str, with_parent: bool) -> None:
    """Run the service until SIGTERM or Ctrl-C. Exit status 1 if it cannot be started."""
    _hear_every_farewell_as_sigterm()
    if with_parent:
        _end_with_parent()
    try:
        launch(RunDirectory(RUN_FOLDER), port, host)
    except REFUSALS as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def launch(directory: RunDirectory, port: int, host: str = LOOPBACK) -> None:
    """Start the stores, seed them the first time, and serve until told to stop.

    Raises one of :data:`refusals`, with nothing left running.
    """
    with directory:
        refuse_taken_port(port, host)
        given = {**public_address(host, port), **given_variables()}
        # A bad setting is told at once, before anything is started.
        os.environ.update(environment_of_run(given, NOWHERE, directory))
        load_settings()
        if given.get("API_DATABASE_URL"):
            click.echo("API_DATABASE_URL is not used here: this run brings its own stores.")
        stores = EmbeddedStores(directory.path, redis_password=given.get("API_REDIS_PASSWORD"))
        click.echo(f"Starting the embedded stores (data in {directory.path}) ...")
        with stores as addresses:
            address = _address(port, local_host(host))
            directory.write(RunRecord(os.getpid(), address, **vars(addresses)))
            os.environ.update(environment_of_run(given, addresses, directory))
            settings = load_settings()
            seed_once(directory, addresses.database_url, DEVELOPMENT_USER)
            _announce_when_up(port, host, settings)
            _serve(port, host)
        click.echo("Stopped. The data is kept.")


def public_address(host: str, port: int) -> dict[str, str]:
    """The setting that says where phones reach this run, where it is open to them."""
    lan = lan_address() if host in EVERYWHERE else None
    return {} if lan is None else {"API_PUBLIC_ADDRESS": _address(port, lan)}


def refuse_taken_port(port: int, host: str = LOOPBACK) -> None:
    """Raise :class:`LaunchFailed` if somebody listens on ``port`` already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # Hypercorn sets it too: a port that was just left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            raise _port_error(port, host, error) from error


def development_token(settings: Settings) -> str | None:
    """A token that this run accepts; ``None`` if it takes only those of an issuer elsewhere."""
    return sign_token(settings, DEVELOPMENT_USER, DEVELOPMENT_TOKEN_LIFE)


def welcome(
    port: int,
    token: str | None,
    host: str = LOOPBACK,
    public: str | None = None,
    session: WayIn | None = None,
) -> str:
    """What a person reads once the service is up; ``public`` is where phones reach it."""
    address = _address(port, local_host(host))
    lines = [
        "",
        f"  QuickPoll is up.   Live page   {address}/polls",
        f"                     API         {address}/docs",
    ]
    if public is not None:
        lines += [f"                     Phones      {public}/j"]
    elif host in EVERYWHERE:
        lines += ["  This machine seems to be in no network: phones do not reach it."]
    if session is not None:
        lines += [
            "",
            f"  {session.title}:",
            f"                     Code        {session.code}",
            f"                     For all     {session.address}",
            f"                     Stage       {address}{session.stage}",
        ]
    if token is not None:
        lines += [
            "",
            "  Development token, 30 days (Authorization: Bearer ...):",
            "",
            token,
            "",
            "  The live page, signed in with it:",
            "",
            f"{address}/polls#token={token}",
        ]
    return "\n".join([*lines, "", "  Ctrl-C stops it.", ""])


def _address(port: int, host: str = LOOPBACK) -> str:
    return f"http://{in_url(host)}:{port}"


def _port_error(port: int, host: str, error: OSError) -> LaunchFailed:
    if error.errno == errno.EADDRINUSE:
        return LaunchFailed(
            f"Port {port} of {host} is taken by another program; stop that one, "
            f"or choose another port: make run PORT={port + 1}"
        )
    return LaunchFailed(f"Port {port} of {host} cannot be used: {error.strerror}")


def _hear_every_farewell_as_sigterm() -> None:
    """Ctrl-C, and the terminal's end, arrive as SIGTERM, for which everything is prepared.

    They are blocked for all threads, those of libraries too, and one thread waits for them: so it
    does not matter who installs which handler later. The stores start with nothing blocked.
    """
    wanted = {signal.SIGINT, signal.SIGHUP}
    heard = {number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN}
    signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the server puts its own there

    def relay() -> None:
        while True:
            signal.sigwait(heard)
            os.kill(os.getpid(), signal.SIGTERM)

    if heard:
        threading.Thread(target=relay, name="farewell", daemon=True).start()


def _end_with_parent() -> None:
    """Be told to stop when the parent is gone: ``make`` may be killed, and the service with it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _announce_when_up(port: int, host: str, settings: Settings) -> None:
    """Print the welcome as soon as the service answers, from a thread beside it."""

    def announce() -> None:
        here, token = local_host(host), development_token(settings)
        if until(lambda: _is_live(port, here), START_SECONDS, pause=0.1):
            session = latest_session(here, port, token) if token else None
            click.echo(welcome(port, token, host, settings.api_public_address, session))

    threading.Thread(target=announce, name="announcer", daemon=True).start()


def _is_live(port: int, host: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _serve(port: int, host: str) -> None:
    """Serve in this process until a signal ends it."""
    config = Config.from_toml(PACKAGE / "hypercorn.toml")
    config.application_path = "quickpoll.asgi:app"
    config.bind = [f"{in_url(host)}:{port}"]
    config.loglevel = "WARNING"  # the welcome says where it runs
    try:
        serve_until_stopped(config)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        # Somebody took the port since it was looked at.
        raise _port_error(port, host, error) from error
