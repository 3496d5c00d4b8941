"""The jobs' decoder (`pipeline/flink_java`) without the jobs: a JVM that is given values and says what they are."""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from compose.stack.java.build import JAVA_DIR, compile_sources, flink_jars
from compose.stack.java.jvm import JAVA, QUICK_START
from pipeline.contract.codec import AdEvent, UnknownSchemaId

READER_SCHEMA = Path(__file__).parents[4] / "pipeline" / "contract" / "ad_event.avsc"
ANSWER_SECONDS = 60.0
HARNESS = Path(__file__).with_name("java") / "DecodeRecords.java"


class HttpRegistry:
    """The one request of the Schema Registry that a decoder makes, over HTTP, as Confluent's documents it."""

    def __init__(self) -> None:
        self.schemas: dict[int, str] = {}
        self.more: dict[str, Any] = {}
        """What its answers have beside the schema's text."""
        self.asked: list[int] = []
        self.listed = 0
        """How often it was asked for all ids."""
        self.down = False
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64
            """A decoder asks sixteen questions at once: more than the five that wait by default."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.apicurio_url = f"{self.url}/apis/ccompat/v7"

    def fetch(self, schema_id: int) -> str:
        """The same answers as the ``fetch_schema`` of a `Decoder`."""
        if schema_id not in self.schemas:
            raise UnknownSchemaId(f"unknown schema id {schema_id}")
        return self.schemas[schema_id]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """``GET /schemas/ids/N``."""
        if "/search/versions?" in request.path:
            return self._list(request)
        schema_id = int(request.path.partition("?")[0].rpartition("/")[2])
        self.asked.append(schema_id)
        body: dict[str, Any] = {"schema": self.schemas.get(schema_id)} | self.more
        status = 200
        if self.down:
            status, body = 503, {"message": "down"}
        elif schema_id not in self.schemas:
            status, body = 404, {"error_code": 40403, "message": "Schema not found"}
        return self._send(request, status, body)

    def _list(self, request: BaseHTTPRequestHandler) -> None:
        """Apicurio's own question for everything that it has."""
        self.listed += 1
        versions = [{"contentId": schema_id, "globalId": schema_id} for schema_id in self.schemas]
        self._send(request, 503 if self.down else 200, {"count": len(versions), "versions": versions})

    def _send(self, request: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Within the block it answers."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()


class JavaDecoder:
    """One decoder and one consumer's interceptor, in a JVM of their own."""

    def __init__(self, classes: Path, registry_url: str) -> None:
        class_path = os.pathsep.join(map(str, [classes, *flink_jars()]))
        command = [str(JAVA), *QUICK_START, "-cp", class_path, "adctr.flink.DecodeRecords"]
        self._process = subprocess.Popen(
            [*command, registry_url, str(READER_SCHEMA)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def arrive(self, *values: bytes) -> None:
        """The consumer has polled these values at once."""
        assert self._ask("arrive", *values) == ["arrived"]

    def sabotage(self, thrown: str) -> None:
        """From now on reading a field throws this, of which nobody thought."""
        assert self._ask("sabotage", thrown.encode()) == ["sabotaged"]

    def decode(self, value: bytes) -> AdEvent | str:
        """The event, or ``invalid: …`` or ``unavailable: …``."""
        return self._verdict(self._ask("decode", value))

    def example(self, schema: str, values: Sequence[bytes]) -> list[tuple[int, AdEvent | str]]:
        """Steps and verdict of each value, with a registry that has the schema under every id."""
        self._send("example", schema.encode("utf-16-be", "surrogatepass"), *values)
        answers = [self._answer() for _ in values]
        return [(int(steps), self._verdict(words)) for steps, *words in answers]

    def _verdict(self, words: list[str]) -> AdEvent | str:
        kind, *words = words
        if kind != "event":
            return f"{kind}: {words[0]}"
        texts = [None if word == "-" else bytes.fromhex(word).decode() for word in words[:-1]]
        event_id, event_type, *others, impression_id = texts
        return AdEvent(event_id, event_type, int(words[-1]), *others, impression_id)  # type: ignore[arg-type]

    def _ask(self, command: str, *values: bytes) -> list[str]:
        self._send(command, *values)
        return self._answer()

    def _send(self, command: str, *values: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join([command, *(value.hex() for value in values)]) + "\n")
        self._process.stdin.flush()
        # A decoder that loops forever must not take the tests along.
        assert select.select([self._process.stdout], [], [], ANSWER_SECONDS)[0], f"no answer about {values[0].hex()}"

    def _answer(self) -> list[str]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the decoder's JVM has ended"
        return line.rstrip("\n").split("\t")

    def close(self) -> None:
        """Ends the JVM."""
        self._process.kill()
        self._process.communicate()


def compile_decoder(target: Path) -> Path:
    """The classes of `pipeline/flink_java` and of the harness."""
    compile_sources([*sorted((JAVA_DIR / "src").rglob("*.java")), HARNESS], target)
    return target


@contextmanager
def java_decoder(classes: Path, *, apicurio: bool = False) -> Iterator[tuple[JavaDecoder, HttpRegistry]]:
    """A decoder that has seen nothing yet, and its registry."""
    registry = HttpRegistry()
    with registry.serving():
        decoder = JavaDecoder(classes, registry.apicurio_url if apicurio else registry.url)
        try:
            yield decoder, registry
        finally:
            decoder.close()
