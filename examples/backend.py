"""
A whole backend for ocpp1.6 in Python, standard library only.

docs/backend.md says why it answers what.

    python3 examples/backend.py

With a station connected as CP1, a path of this backend's own sends it a CALL; put a login in front of it:

    curl -d '{"type":"Soft"}' http://127.0.0.1:5000/command/Reset/CP1
    curl -d '{"type":"Soft"}' -H 'Prefer: wait=5' http://127.0.0.1:5000/command/Reset/CP1
"""

import json
import os
import random
import uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import quote, unquote
from urllib.request import Request, urlopen


def answer_call(action):
    """The answer to a station's CALL; None for an Action that is not known here."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    accepted = {"idTagInfo": {"status": "Accepted"}}
    return {
        "BootNotification": {"status": "Accepted", "currentTime": now, "interval": 300},
        "Heartbeat": {"currentTime": now},
        "StatusNotification": {},
        "MeterValues": {},
        "Authorize": accepted,
        "StopTransaction": accepted,
        "StartTransaction": {"transactionId": random.randrange(1, 2**31), **accepted},
    }.get(action)


def call_client(action, client_id, payload, prefer):
    """Sends a station a CALL. Returns the gateway's status and body."""
    message_id = str(uuid.uuid4())  # Never the same again.
    path = "/".join(quote(name, safe="") for name in ("call", action, client_id, message_id))
    headers = {
        "Content-Type": "application/json",
        "Authorization": "Bearer " + os.environ.get("GATEWAY_TOKEN", "none"),
        "Prefer": prefer,
    }
    gateway = os.environ.get("GATEWAY", "http://127.0.0.1:4000")
    try:
        request = Request(f"{gateway}/{path}", payload, headers)
        with urlopen(request, timeout=40) as response:  # Longer than the wait.
            return response.status, response.read()
    except HTTPError as error:
        return error.code, error.read()


class Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # The gateway keeps its connections.
    wbufsize = -1  # Head and body of an answer leave together.

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # First split, then decode: a name may hold an encoded slash.
        kind, action, client_id, *_ = map(unquote, self.path[1:].split("/") + ["", ""])
        if kind == "call":  # A station's CALL; the body is its payload.
            payload = answer_call(action)
            if payload is None:
                self.answer(501)  # CALLERROR NotImplemented.
            else:
                self.answer(200, json.dumps(payload).encode())
        elif kind in ("result", "error"):
            # How a CALL of this backend ended. It may come again, under the same path.
            self.log_message("%s %s", self.path, body.decode())
            self.answer(204)
        elif kind == "command":
            # This backend's own. 202: the station's answer comes as /result or /error.
            self.answer(*call_client(action, client_id, body, self.headers.get("Prefer", "none")))
        else:
            self.answer(404)

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 1024  # Many connections may come at once.
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 5000))), Backend)
    print(f"backend on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
