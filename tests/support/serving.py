"""A small threaded HTTP server for tests: keep-alive, a handler function, and connections that a test can break."""
import http.server
import socket
import socketserver
import threading


class Drop(Exception):
    """Raised by a handler: the connection is closed without an answer."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        try:
            status, headers, answer = self.server.owner.handle(self.command, self.path, self.headers, body)
        except Drop:
            self.close_connection = True
            return
        if "date" in {name.lower() for name in headers}:  # a clock of its own
            self.send_response_only(status)
        else:
            self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if not isinstance(answer, bytes):  # pieces, as long as they come; how long is the handler's to say, or to leave open
            self._serve_pieces(headers, answer)
            return
        if "content-length" not in {name.lower() for name in headers}:
            self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _serve_pieces(self, headers, pieces):
        self.close_connection = True
        self.send_header("connection", "close")
        self.end_headers()
        try:
            for piece in pieces:
                self.wfile.write(piece)
        except OSError:  # the peer has heard enough
            pass

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, *args):
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)


class Server:
    """Subclasses define handle(method, path, headers, body) -> (status, headers, bytes or an iterator of them)."""

    def __init__(self, port=0):
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.owner = self
        self._server.open = set()  # connections
        self.port = self._server.server_address[1]
        self.lock = threading.Lock()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        """Nobody is served any more, not on connections that were kept alive either."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
