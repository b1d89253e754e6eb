"""A chat system behind the http adapter: keeps every delivery, answers as the test says, checks every signature."""
import json
import threading
import time

import signing
from serving import Drop, Server
from wait import until

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1jaGF0LXN5c3RlbQ=="


class Backend(Server):
    def __init__(self, port=0):
        self.deliveries = []  # wire objects in the order of arrival
        self.keys = []  # their webhook-id
        self.times = []  # when they came
        self.bad_signatures = 0
        self.answer = lambda delivery: (200, {"external_id": "x-" + delivery["id"]})
        self.gate = threading.Event()
        self.gate.set()  # clear it to let requests hang
        super().__init__(port)

    def handle(self, method, path, headers, body):
        delivery = json.loads(body)
        with self.lock:
            if not signing.webhook_is_valid(headers, body, SECRET):
                self.bad_signatures += 1
            self.deliveries.append(delivery)
            self.keys.append(headers["webhook-id"])
            self.times.append(time.monotonic())
        self.gate.wait(30)
        answer = self.answer(delivery)
        if answer is Drop:
            raise Drop
        status, content, *rest = answer
        return status, {"content-type": "application/json", **(rest[0] if rest else {})}, json.dumps(content).encode()

    def texts(self):
        with self.lock:
            return [d["text"] for d in self.deliveries]

    def wait(self, n, timeout=10.0):
        """Waits for n deliveries and returns them."""
        until(lambda: len(self.deliveries) >= n, timeout, lambda: f"{n} deliveries, there are {len(self.deliveries)}")
        return self.deliveries[:n]

    def stays(self, n, seconds=0.5):
        """Nothing more than n deliveries come within some time."""
        time.sleep(seconds)
        assert len(self.deliveries) == n, self.deliveries
