"""The engine's socket behind TLS with client certificates, as ``docker:dind`` offers it."""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import trustme

_CHUNK_BYTES = 1 << 16


@contextlib.contextmanager
def tls_engine(folder: Path, *, path: str = "/var/run/docker.sock") -> Iterator[dict[str, str]]:
    """The variables by which the engine is reached; its certificates are in ``folder``."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    client = authority.issue_cert("client@example.com")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    client.private_key_pem.write_to_path(folder / "key.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    server.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, path), daemon=True).start()
        port = listener.getsockname()[1]
        yield {
            "DOCKER_HOST": f"tcp://127.0.0.1:{port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(folder),
        }
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, path: str) -> None:
    while True:
        try:
            raw, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(raw, context, path), daemon=True).start()


def _serve(raw: socket.socket, context: ssl.SSLContext, path: str) -> None:
    """One connection, both ways, by non-blocking reads: an SSL socket is not for two threads."""
    with contextlib.suppress(OSError), raw, socket.socket(socket.AF_UNIX) as engine:
        client = context.wrap_socket(raw, server_side=True)
        engine.connect(path)
        with client:
            while True:
                waiting = (
                    [client] if client.pending() else select.select([client, engine], [], [])[0]
                )
                for source in waiting:
                    data = source.recv(_CHUNK_BYTES)
                    if not data and source is engine:
                        return
                    if not data:
                        engine.shutdown(socket.SHUT_WR)
                        return
                    (engine if source is client else client).sendall(data)
