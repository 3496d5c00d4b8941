"""Kafka, the Schema Registry, Redis and PostgreSQL: official images, configured as in the embedded stack."""

from __future__ import annotations

from pathlib import Path

from compose.docker.containers import CORE, HEALTHY, Container, fetches
from compose.docker.names import KAFKA_FROM_HOST_PORT, PORTS, password_variable, placeholders, port_variable, required
from compose.stack.ports import EVERYWHERE, LOOPBACK
from compose.stack.service import Plan
from compose.stack.services import kafka, postgres_server, redis_server, registry
from pipeline.cache.cache_access import CacheUser
from pipeline.settings import ENV_PREFIX

KAFKA_IMAGE = "apache/kafka:4.1.1"
REGISTRY_IMAGE = "apicurio/apicurio-registry:3.3.3"
REDIS_IMAGE = "redis:7.2.7-bookworm"
POSTGRES_IMAGE = "postgres:18.2-bookworm"
_KAFKA_DATA = Path("/var/lib/kafka/data")
_REDIS_DATA = Path("/data")
_REDIS_FILE = "/etc/redis.conf"
_REGISTRY = "registry"
"""The registry's user and database in PostgreSQL."""


def containers(plan: Plan) -> dict[str, Container]:
    """The servers, by name."""
    return {
        "kafka": _kafka(plan),
        "registry": _registry(plan),
        "redis": _redis(plan),
        "postgres": _postgres(plan),
    }


def configs(plan: Plan) -> dict[str, dict[str, str]]:
    """Files with passwords in them, which Compose writes into the containers from what stands in `.env`."""
    return {
        "redis": {"content": redis_file(plan)},
        # The official image runs it when it makes the database, as superuser.
        "databases": {
            "content": postgres_server.owner_sql(plan.passwords.postgres_owner)
            + f"ALTER DATABASE {plan.settings.postgres_database} OWNER TO {postgres_server.OWNER};\n"
            f"CREATE USER {_REGISTRY} PASSWORD '{required(password_variable('registry_storage'))}';\n"
            f"CREATE DATABASE {_REGISTRY} OWNER {_REGISTRY};\n"
        },
    }


def broker(plan: Plan) -> dict[str, str]:
    """The broker's properties, with a second listener for clients of this machine."""
    outside = kafka.OtherWay(KAFKA_FROM_HOST_PORT, f"{LOOPBACK}:${{{port_variable('kafka')}:-{PORTS.kafka}}}")
    return kafka.broker_properties(_KAFKA_DATA, plan.ports, plan.settings, outside, EVERYWHERE)


def _kafka(plan: Plan) -> Container:
    properties = broker(plan)
    heap = kafka.HEAP_MEGABYTES
    return Container(
        image=KAFKA_IMAGE,
        profile=CORE,
        user="appuser",
        memory="1100M",
        cpus="2.0",
        # The image's rule for the names of variables: https://github.com/apache/kafka/blob/4.1.1/docker/examples/README.md
        environment={
            **{f"KAFKA_{key.replace('.', '_').upper()}": value for key, value in properties.items()},
            "KAFKA_HEAP_OPTS": f"-Xmx{heap}m -Xms{heap // 2}m",
        },
        check=f"nc -z {LOOPBACK} {PORTS.kafka}",
        ports={"kafka": KAFKA_FROM_HOST_PORT},
        volumes=[f"kafka:{_KAFKA_DATA}"],
        more={"stop_grace_period": "30s"},
    )


def _registry(plan: Plan) -> Container:
    """Its schemas are in PostgreSQL: the image has no directory that would be its own in a volume."""
    embedded = registry.environment(plan)
    environment = {
        **embedded,
        "APICURIO_STORAGE_SQL_KIND": "postgresql",
        "APICURIO_DATASOURCE_URL": f"jdbc:postgresql://postgres:{PORTS.postgres}/{_REGISTRY}",
        "APICURIO_DATASOURCE_USERNAME": _REGISTRY,
        "JAVA_OPTS_APPEND": f"-Xmx{registry.HEAP_MEGABYTES}m",
    }
    return Container(
        image=REGISTRY_IMAGE,
        profile=CORE,
        user="1001",
        memory="768M",
        environment=environment,
        check=fetches(f"http://{LOOPBACK}:{PORTS.registry}/apis/ccompat/v7/subjects"),
        needs={"postgres": HEALTHY},
        ports={"registry": PORTS.registry},
    )


def redis_file(plan: Plan) -> str:
    """The configuration of the embedded stack; where digests of passwords stand, Compose puts the passwords."""
    known, limit = placeholders(), plan.settings.cache_max_memory_megabytes
    secrets = {
        CacheUser.READER: f">{known.redis_reader}",
        CacheUser.WRITER: f">{known.redis_writer}",
        CacheUser.ADMIN: f">{known.redis_admin}",
    }
    memory = f"${{{ENV_PREFIX}CACHE_MAX_MEMORY_MEGABYTES:-{limit}}}mb"
    return redis_server.configuration(str(_REDIS_DATA), EVERYWHERE, PORTS.redis, secrets, memory)


def _redis(plan: Plan) -> Container:
    return Container(
        image=REDIS_IMAGE,
        profile=CORE,
        user="redis",
        memory="1G",
        command=("redis-server", _REDIS_FILE),
        environment={"REDISCLI_AUTH": plan.passwords.redis_reader},
        check=f"redis-cli --user {CacheUser.READER} ping | grep -q PONG",
        ports={"redis": PORTS.redis},
        volumes=[f"redis:{_REDIS_DATA}"],
        more={"configs": [{"source": "redis", "target": _REDIS_FILE}]},
    )


def _postgres(plan: Plan) -> Container:
    options = [part for key, value in postgres_server.OPTIONS.items() for part in ("-c", f"{key}={value}")]
    return Container(
        image=POSTGRES_IMAGE,
        profile=CORE,
        user="postgres",
        memory="1G",
        command=("postgres", *options),
        environment={
            "POSTGRES_USER": postgres_server.SUPERUSER,
            "POSTGRES_PASSWORD": plan.passwords.postgres_superuser,
            "POSTGRES_DB": plan.settings.postgres_database,
            "POSTGRES_INITDB_ARGS": "--auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8",
        },
        # While the image makes the database, it listens on no address.
        check=f"pg_isready -q -h {LOOPBACK} -U {postgres_server.OWNER} -d {plan.settings.postgres_database}",
        ports={"postgres": PORTS.postgres},
        volumes=["postgres:/var/lib/postgresql"],
        more={
            "configs": [{"source": "databases", "target": "/docker-entrypoint-initdb.d/databases.sql"}],
            "shm_size": "128M",
            "stop_signal": "SIGINT",
        },
    )
