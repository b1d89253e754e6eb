"""A way to a server that reads a little, and the rest when it is told to."""
import contextlib
import socket
import threading


class SlowWay:
    """Passes connections on; after the first `most` bytes of each it waits for `gate`."""

    def __init__(self, port, most=1 << 20):
        self.port_behind, self.most, self.gate, self.waiting = port, most, threading.Event(), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.port_behind))
                for source, target, most in ((near, far, self.most), (far, near, None)):
                    threading.Thread(target=self._pass, args=(source, target, most), daemon=True).start()

    def _pass(self, source, target, most):
        passed = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                passed += len(piece)
                if most and passed > most and not self.gate.is_set():
                    self.waiting += 1
                    self.gate.wait(60)
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.listener.close()
