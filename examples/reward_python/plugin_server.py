"""Serves a Python function as a Plumb reward plug-in (proto/reward.proto) with grpcio.

    serve(Plugin(name="mine", version="1", score=score, components=["correct"]), listen="127.0.0.1:0")

`score` gets one RewardItem and returns a Result. It may run in several threads at once. What it raises makes this one
item FAILED: the caller asks again, and never takes it for a zero.

The message classes are made from proto/reward.proto when the server starts, by protoc or by grpcio-tools, whichever is
there. The service needs no generated code: it is two entries in a table.
"""

import dataclasses
import importlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from concurrent import futures
from typing import Callable, Dict, Sequence

try:
    import grpc
except ModuleNotFoundError as error:
    raise SystemExit(
        f"{error}: install python3-grpcio and python3-protobuf (Debian), or the Python packages grpcio and protobuf"
    ) from None

API_VERSION = 1
MAX_MESSAGE_BYTES = 64 << 20


def find_proto() -> pathlib.Path:
    """proto/reward.proto: of the environment variable PLUMB_PROTO, beside this file, or of the checkout it lies in."""
    here = pathlib.Path(__file__).resolve().parent
    if "PLUMB_PROTO" in os.environ:
        places = [pathlib.Path(os.environ["PLUMB_PROTO"])]
    else:
        places = [here / "reward.proto"] + [folder / "proto" / "reward.proto" for folder in (here, *here.parents)]
    for place in places:
        if place.is_file():
            return place
    raise SystemExit(
        f"reward.proto was not found (looked for {places[0]}"
        + (f" and for proto/reward.proto in {here} and the folders above" if len(places) > 1 else "")
        + "): copy proto/reward.proto of a checkout of Plumb beside plugin_server.py, or set PLUMB_PROTO to its path"
    )


@dataclasses.dataclass
class Result:
    """What became of one item. Use the three functions below for an item that has no value."""

    value: float = 0.0
    components: Dict[str, float] = dataclasses.field(default_factory=dict)
    message: str = ""
    outcome: str = "SCORED"


def abstained(message: str) -> Result:
    """On purpose no value: the completion stays out of the statistics and the loss."""
    return Result(outcome="ABSTAINED", message=message)


def invalid(message: str) -> Result:
    """The row cannot be scored, say its answer cannot be read. It is not asked again."""
    return Result(outcome="INVALID", message=message)


def failed(message: str) -> Result:
    """Scoring failed on this item for now. It is asked again."""
    return Result(outcome="FAILED", message=message)


@dataclasses.dataclass
class Plugin:
    name: str
    version: str
    score: Callable[..., Result]
    components: Sequence[str] = ()
    max_batch_items: int = 256
    max_concurrent_calls: int = 4


def load_messages():
    """The module reward_pb2, made from reward.proto."""
    proto = find_proto()
    if shutil.which("protoc"):
        compiler = ["protoc"]
    else:
        compiler = [sys.executable, "-m", "grpc_tools.protoc"]
    with tempfile.TemporaryDirectory() as folder:
        command = compiler + [f"-I{proto.parent}", f"--python_out={folder}", proto.name]
        made = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if made.returncode != 0:
            raise SystemExit(
                f"{' '.join(command)} failed:\n{made.stderr}"
                "Install protoc (Debian: protobuf-compiler) or the Python package grpcio-tools."
            )
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("reward_pb2")
        finally:
            sys.path.remove(folder)


class _Service:
    """The two calls of RewardService. Thread-safe: nothing changes after construction."""

    def __init__(self, plugin: Plugin, messages):
        self._plugin = plugin
        self._messages = messages

    def get_info(self, request, context):
        return self._messages.RewardInfo(
            api_version=API_VERSION,
            name=self._plugin.name,
            version=self._plugin.version,
            max_batch_items=self._plugin.max_batch_items,
            max_concurrent_calls=self._plugin.max_concurrent_calls,
            components=list(self._plugin.components),
        )

    def score(self, request, context):
        if len(request.items) > self._plugin.max_batch_items:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"items: {len(request.items)} of them, at most {self._plugin.max_batch_items}",
            )
        response = self._messages.ScoreResponse()
        for item in request.items:
            if not context.is_active():  # the deadline has passed, or the caller is gone
                break
            self._add(response, item.id, self._score_one(item))
        return response

    def _score_one(self, item) -> Result:
        try:
            return self._plugin.score(item)
        except Exception as error:  # one bad item must not take the batch with it
            traceback.print_exc(file=sys.stderr)
            return failed(f"{type(error).__name__}: {error}")

    def _add(self, response, item_id: str, result: Result) -> None:
        wire = response.results.add()
        wire.id = item_id
        wire.outcome = self._messages.RewardOutcome.Value(f"REWARD_OUTCOME_{result.outcome}")
        wire.value = result.value
        for name, value in result.components.items():
            wire.components.add(name=name, value=value)
        wire.message = result.message

    def handlers(self):
        messages = self._messages
        calls = {
            "GetInfo": (self.get_info, messages.RewardInfoRequest, messages.RewardInfo),
            "Score": (self.score, messages.ScoreRequest, messages.ScoreResponse),
        }
        return grpc.method_handlers_generic_handler(
            "plumb.proto.RewardService",
            {
                name: grpc.unary_unary_rpc_method_handler(
                    call, request_deserializer=request.FromString, response_serializer=response.SerializeToString
                )
                for name, (call, request, response) in calls.items()
            },
        )


def serve(plugin: Plugin, listen: str) -> None:
    """Serves until SIGTERM or SIGINT. Prints {"address": "..."} on stdout once it listens."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=plugin.max_concurrent_calls),
        options=[
            ("grpc.so_reuseport", 0),  # else a second server on the same port starts happily
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            # The client pings once a minute while it has no call to make.
            ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ],
    )
    server.add_generic_rpc_handlers((_Service(plugin, load_messages()).handlers(),))
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError:
        port = 0
    if port == 0:
        print(f"cannot listen on {listen}: the address is taken or cannot be used", file=sys.stderr)
        raise SystemExit(3)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    server.start()
    address = listen if listen.startswith("unix:") else f"{listen.rsplit(':', 1)[0]}:{port}"
    print(json.dumps({"address": address}), flush=True)
    stop.wait()
    server.stop(grace=2).wait(timeout=5)
