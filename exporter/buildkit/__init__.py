"""BuildKit as it is spoken to: gRPC over HTTP/2, a solve, and the session that serves it.

`Client` asks for solves; a `Session` is what BuildKit may ask of us meanwhile.
"""

from exporter.buildkit.client import Client, Request
from exporter.buildkit.directory import DirectoryTree
from exporter.buildkit.files import Entry, MemoryTree, Tree
from exporter.buildkit.roads import (
    EngineRoad,
    ProgramLine,
    Road,
    RoadError,
    SocketLine,
    StraightRoad,
)
from exporter.buildkit.rpc import CallError
from exporter.buildkit.services import Credentials, Services
from exporter.buildkit.status import Log, Update, Vertex

__all__ = [
    "CallError",
    "Client",
    "Credentials",
    "DirectoryTree",
    "EngineRoad",
    "Entry",
    "Log",
    "MemoryTree",
    "ProgramLine",
    "Request",
    "Road",
    "RoadError",
    "Services",
    "SocketLine",
    "StraightRoad",
    "Tree",
    "Update",
    "Vertex",
]
