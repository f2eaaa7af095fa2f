"""What the end-to-end scripts beside this file share.

A folder for one session, servers that are stopped by their process id whatever happens, a proxy that
records what goes over the wire, the program under test in a clean environment, and checks that are
counted. Standard library only.
"""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

FOLDER = pathlib.Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent.parent
FIXTURE = FOLDER / "fixture"
# Longer than any wait that a provider may ask for, so that a run that hangs is found out.
LONGEST_RUN = 300


def cache(name):
    """The folder that keeps what was installed or built for the next time."""
    root = os.environ.get("SERVERS_DIR")
    folder = (pathlib.Path(root) if root else REPOSITORY / "target" / "servers") / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def program():
    """The program under test."""
    path = pathlib.Path(os.environ.get("ORCHESTRATE") or REPOSITORY / "target/debug/orchestrate")
    if not path.is_file():
        sys.exit(f"{path} is missing: run `cargo build`, or set ORCHESTRATE to the program")
    return path.resolve()


def command(*arguments, log=None, **options):
    """Runs a command that must succeed; its output goes to a file where one is given."""
    where = open(log, "ab") if log else contextlib.nullcontext()
    with where as file:
        done = subprocess.run([str(a) for a in arguments], stdout=file, stderr=file, **options)
    if done.returncode:
        tail = f"; {log} ends with:\n{tail_of(log)}" if log else ""
        sys.exit(f"`{' '.join(map(str, arguments))}` ended with {done.returncode}{tail}")


def virtual_environment(folder, *packages):
    """A Python environment with these packages, made where it is missing or holds others."""
    stamp, wanted = folder / "installed", " ".join(packages)
    if not stamp.is_file() or stamp.read_text() != wanted:
        print(f"installing {wanted} (once) …", flush=True)
        command(sys.executable, "-m", "venv", folder / "venv")
        pip = folder / "venv/bin/pip"
        command(pip, "install", "--disable-pip-version-check", *packages, log=folder / "pip.log")
        stamp.write_text(wanted)
    return folder / "venv" / "bin"


def tail_of(log, lines=15):
    return "\n".join(pathlib.Path(log).read_text(errors="replace").splitlines()[-lines:])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Session:
    """One execution of a script: temporary folder, servers, checks. Use it in a `with` statement."""

    def __init__(self):
        self.passed, self.failed = 0, 0
        self.began = time.monotonic()
        self.exits = contextlib.ExitStack()
        self.program = program()
        # The process of the program that runs now, for signals.
        self.running = None

    def __enter__(self):
        # A signal ends the script like any error, so that servers are stopped here too.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="orchestrate-servers-"))
        self.exits.callback(self.leave_folder)
        return self

    def __exit__(self, kind, error, trace):
        self.exits.close()
        if error is None:
            took = time.monotonic() - self.began
            print(f"\n{self.passed} checks passed, {self.failed} failed, {took:.0f} s")
            if self.failed:
                sys.exit(1)

    def leave_folder(self):
        if os.environ.get("KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check(self, sentence, holds, seen=""):
        """Counts a check; what was seen is printed where it does not hold."""
        if holds:
            self.passed += 1
            print(f"  ok    {sentence}", flush=True)
        else:
            self.failed += 1
            print(f"  FAIL  {sentence}\n        seen: {str(seen)[:2000]}", flush=True)
        return bool(holds)

    def equal(self, sentence, seen, expected):
        return self.check(sentence, seen == expected, f"{seen!r}, expected {expected!r}")

    def server(self, name, arguments, environment=None, cwd=None):
        """Starts a server; it is stopped when the session ends."""
        server = Server(name, arguments, self.folder / f"{name}.log", environment, cwd)
        self.exits.callback(server.stop)
        return server

    def recorder(self, name, port):
        """Starts a recording proxy in front of a server on this machine."""
        recorder = Recorder(port, self.folder / f"{name}.jsonl")
        self.exits.callback(recorder.stop)
        return recorder

    def orchestrate(self, *arguments, key, recorder, home="home", cwd=None, variables=None):
        """Runs the program with nothing in its environment but what is named here."""
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(empty),
            "ORCHESTRATE_HOME": str(self.folder / home),
            "OPENAI_BASE_URL": f"http://127.0.0.1:{recorder.port}/v1",
            "NO_COLOR": "1",
        }
        if key is not None:
            environment["OPENAI_API_KEY"] = key
        environment.update(variables or {})
        before, began = len(recorder.exchanges), time.monotonic()
        with subprocess.Popen(
            [str(self.program), *map(str, arguments)], env=environment, cwd=cwd or empty, text=True,
            encoding="utf-8", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as self.running:
            try:
                stdout, stderr = self.running.communicate(timeout=LONGEST_RUN)
            except BaseException:
                self.running.kill()
                raise
        return Outcome(self.running.returncode, stdout, stderr, time.monotonic() - began,
                       recorder.since(before))


class Outcome:
    """What one run of the program came to, and its exchanges with the server."""

    def __init__(self, code, stdout, stderr, seconds, exchanges):
        self.code, self.stdout, self.stderr = code, stdout, stderr
        self.seconds, self.exchanges = seconds, exchanges

    def json(self):
        """The document on stdout; an empty one where there is none, so that checks fail by name."""
        try:
            return json.loads(self.stdout)
        except ValueError:
            return {"steps": [], "usage": {}}

    def statuses(self):
        return [exchange["status"] for exchange in self.exchanges]

    def reported(self):
        """The sum of the usage that the server reported."""
        totals = {"input": 0, "output": 0}
        for exchange in self.exchanges:
            usage = usage_of(exchange)
            totals["input"] += usage.get("prompt_tokens", 0)
            totals["output"] += usage.get("completion_tokens", 0)
        return totals

    def figures(self):
        """A line for people."""
        used = self.reported()
        return (f"{len(self.exchanges)} requests {self.statuses()}, {used['input']} input and "
                f"{used['output']} output tokens, {self.seconds:.2f} s")


class Server:
    """A server process in a process group of its own."""

    def __init__(self, name, arguments, log, environment, cwd):
        self.name, self.log, self.began = name, log, time.monotonic()
        # Not the caller's whole environment: a DATABASE_URL in it would change what is tested.
        kept = {k: os.environ[k] for k in ("PATH", "HOME", "TMPDIR") if k in os.environ}
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments], stdout=file, stderr=file, cwd=cwd,
                stdin=subprocess.DEVNULL, env={**kept, **(environment or {})},
                start_new_session=True,
            )

    def ready(self, url, seconds):
        """Waits until the address answers 200, the process ends or the time is over."""
        while time.monotonic() - self.began < seconds:
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended with {self.process.returncode}:\n{tail_of(self.log)}")
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        print(f"{self.name} is ready after {time.monotonic() - self.began:.1f} s")
                        return
            except (OSError, urllib.error.URLError, http.client.HTTPException):
                pass
            time.sleep(0.2)
        sys.exit(f"{self.name} is not ready after {seconds} s:\n{tail_of(self.log)}")

    def stop(self, *signals):
        """Ends the process and its group, by the id under which it was started."""
        for number in signals or (signal.SIGTERM, signal.SIGKILL):
            # An id that has ended may be somebody else's by now.
            if self.process.poll() is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)

    def kill(self):
        """Ends the process as a crash would."""
        self.stop(signal.SIGKILL)


class Recorder:
    """A reverse proxy that passes bytes on as they come and records each exchange as a JSON line."""

    def __init__(self, upstream, log):
        self.upstream, self.log = upstream, log
        self.exchanges, self.lock, self.open = [], threading.Condition(), 0
        # Called with the exchange after each piece of an answer.
        self.on_piece = lambda exchange: None
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                recorder.pass_on(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def pass_on(self, client):
        with self.lock:
            self.open += 1
        length = int(client.headers.get("content-length") or 0)
        body = client.rfile.read(length)
        exchange = {
            "began": time.monotonic(), "method": client.command, "path": client.path,
            "headers": [list(pair) for pair in client.headers.items()],
            "request": body.decode("utf-8", "replace"), "status": None, "pieces": 0,
        }
        answer = b""
        try:
            hop = {"host", "connection", "content-length"}
            headers = {k: v for k, v in client.headers.items() if k.lower() not in hop}
            server = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=LONGEST_RUN)
            server.request(client.command, client.path, body, headers)
            response = server.getresponse()
            exchange["status"] = response.status
            exchange["answer_headers"] = [list(pair) for pair in response.getheaders()]
            client.send_response_only(response.status)
            for name, value in response.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                    client.send_header(name, value)
            client.send_header("Transfer-Encoding", "chunked")
            client.end_headers()
            while piece := response.read1(65536):
                answer += piece
                exchange["pieces"] += 1
                client.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                client.wfile.flush()
                self.on_piece(exchange)
            client.wfile.write(b"0\r\n\r\n")
            server.close()
        except (OSError, http.client.HTTPException) as error:
            exchange["broke"] = repr(error)
            client.close_connection = True
        exchange["ended"] = time.monotonic()
        exchange["answer"] = answer.decode("utf-8", "replace")
        with self.lock:
            self.exchanges.append(exchange)
            with open(self.log, "a", encoding="utf-8") as file:
                file.write(json.dumps(exchange) + "\n")
            self.open -= 1
            self.lock.notify_all()

    def since(self, position):
        """The exchanges from a position on, in the order in which they began."""
        with self.lock:
            # The program may end before the proxy has written its record.
            self.lock.wait_for(lambda: self.open == 0, timeout=10)
            return sorted(self.exchanges[position:], key=lambda exchange: exchange["began"])

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def chunks_of(exchange):
    """The JSON events of a streamed answer."""
    lines = exchange["answer"].splitlines()
    data = [line[len("data:"):].strip() for line in lines if line.startswith("data:")]
    return [json.loads(text) for text in data if text != "[DONE]"]


def usage_of(exchange):
    """The usage that one answer reports, empty where it reports none."""
    usages = [chunk["usage"] for chunk in chunks_of(exchange) if chunk.get("usage")]
    return usages[-1] if usages else {}


def messages_of(exchange):
    """System and user message of a request."""
    messages = json.loads(exchange["request"])["messages"]
    return tuple(message["content"] for message in messages)


BLOCK = re.compile(r"^<<<material ([0-9a-f]{32}) \| (.*)\n([\s\S]*?)\n>>>end \1$", re.MULTILINE)


def blocks_of(user):
    """The fenced blocks of a user message: text by origin."""
    return {origin: text for _, origin, text in BLOCK.findall(user)}


def after_blocks(user):
    """What stands after the last fenced block of a user message."""
    ends = [match.end() for match in BLOCK.finditer(user)]
    return user[ends[-1]:] if ends else ""


def holders(secret, *folders):
    """The files below these folders that hold a text: in their bytes, or in a database's values.

    A database is read value by value as well, since its pages may cut a long value in two."""
    found, needle = [], secret.encode()
    for path in (path for folder in folders for path in sorted(pathlib.Path(folder).rglob("*"))):
        if path.is_file() and (needle in path.read_bytes() or needle in values_of(path)):
            found.append(path.name)
    return found


def values_of(path):
    """All values of an SQLite database, one after another; nothing for any other file."""
    with open(path, "rb") as file:
        if not file.read(16).startswith(b"SQLite format 3"):
            return b""
    parts = []
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.text_factory = bytes
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table.decode()}"'):
                parts.extend(v if isinstance(v, bytes) else str(v).encode() for v in row)
    return b"\n".join(parts)
