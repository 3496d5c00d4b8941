"""Writes `artifacts.lock`: resolves the coordinates below with their dependencies. For maintainers, on upgrades.

Versions that work together: https://nightlies.apache.org/flink/ lists the connectors released for each Flink.
"""

from __future__ import annotations

from jgo.maven import Artifact as MavenArtifact
from jgo.maven import MavenContext, PythonResolver

from compose.stack.java import artifacts

# group -> (coordinates, whether their dependencies are wanted)
COORDINATES: dict[str, tuple[tuple[str, ...], bool]] = {
    "kafka": (
        (
            "org.apache.kafka:kafka_2.13:jar:4.1.1",
            # Kafka's POM leaves the logging backend to the distribution.
            "org.apache.logging.log4j:log4j-slf4j-impl:jar:2.24.3",
        ),
        True,
    ),
    "registry": (("io.apicurio:apicurio-registry-app:tar.gz:all:3.3.3",), False),
    "flink": (
        (
            "org.apache.flink:flink-connector-kafka:jar:4.0.1-2.0",
            "org.apache.flink:flink-connector-base:jar:2.2.1",
            # The client and what it needs for compressed topics, in the versions of its own POM.
            "org.apache.kafka:kafka-clients:jar:3.9.1",
            "com.github.luben:zstd-jni:jar:1.5.6-4",
            "org.lz4:lz4-java:jar:1.8.0",
            "org.xerial.snappy:snappy-java:jar:1.1.10.5",
            "org.apache.flink:flink-sql-avro-confluent-registry:jar:2.2.0",
            "org.postgresql:postgresql:jar:42.7.8",
            # The Redis client; slf4j comes with Flink.
            "redis.clients:jedis:jar:6.0.0",
            "org.apache.commons:commons-pool2:jar:2.12.1",
            "org.json:json:jar:20250107",
            "com.google.code.gson:gson:jar:2.12.1",
            "redis.clients.authentication:redis-authx-core:jar:0.1.1-beta2",
        ),
        False,
    ),
    "compiler": (("org.eclipse.jdt:ecj:jar:3.44.0",), False),
}


def _named(context: MavenContext, coordinate: str) -> MavenArtifact:
    group_id, name, packaging, *classifier, version = coordinate.split(":")
    return context.project(group_id, name).at_version(version).artifact(classifier[0] if classifier else "", packaging)


def _with_dependencies(context: MavenContext, coordinates: tuple[str, ...]) -> list[MavenArtifact]:
    found: dict[tuple[str, str], MavenArtifact] = {}
    for coordinate in coordinates:
        artifact = _named(context, coordinate)
        found[(artifact.groupId, artifact.artifactId)] = artifact
        dependency = context.create_dependency(f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}")
        _, transitive = context.resolver.resolve([dependency])
        for each in transitive:
            if each.scope in ("compile", "runtime") and not each.optional:
                found.setdefault((each.groupId, each.artifactId), each.artifact)
    return sorted(found.values(), key=lambda artifact: (artifact.groupId, artifact.artifactId))


def main() -> None:
    """Resolves, downloads and writes the lock file."""
    context = MavenContext(resolver=PythonResolver(), repo_cache=artifacts.maven_dir(), timeout=60)
    lines = ["# Written by `python -m compose.stack.java.lock_artifacts`; do not edit.", ""]
    for group, (coordinates, transitive) in COORDINATES.items():
        every = (
            _with_dependencies(context, coordinates) if transitive else [_named(context, each) for each in coordinates]
        )
        for artifact in every:
            path = artifact.resolve()
            parts = (artifact.groupId, artifact.artifactId, artifact.packaging, artifact.classifier, artifact.version)
            lines += [
                "[[artifact]]",
                f'group = "{group}"',
                f'coordinate = "{":".join(part for part in parts if part)}"',
                f"size_bytes = {path.stat().st_size}",
                f'sha256 = "{artifacts.sha256_of(path)}"',
                "",
            ]
    artifacts.LOCK_FILE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
