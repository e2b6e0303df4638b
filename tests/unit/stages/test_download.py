"""Fetching files from a server on this machine that can be made to misbehave."""

import gzip
import hashlib
import random
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spclust.errors import UserError
from spclust.stages import download

NAME = "DKD_kidney_000.cell_data.csv"
CONTENT = random.Random(0).randbytes(80_000)
SIZE = len(CONTENT)
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file with Range support; the attributes say how it misbehaves."""

    daemon_threads = True
    break_after = None  # bytes of a body after which the connection is cut, once each
    resumes = True
    busy = 0  # answers of 503 before the first good one


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        if server.busy:
            server.busy -= 1
            return self.send_error(503)
        if self.path != f"/{NAME}":
            return self.send_error(404)
        body, start = CONTENT, 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and server.resumes:
            start = int(asked[1])
            if start >= len(body):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        rest = body[start:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if server.break_after:
            rest, server.break_after = rest[: server.break_after], None
        self.wfile.write(rest)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        server.ranges = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()
        thread.join(5)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "resources" / "dkd_000" / "download" / NAME


def part_of(target):
    return target.with_name(f"{target.name}.part")


def fetch(target, url, mirror=None, sha256=SHA, size=SIZE, tries=3):
    download.fetch(target, mirror, url, sha256, bytes=size, tries=tries, wait=0.01)


def test_a_good_file_is_put_in_place(server, target):
    fetch(target, f"{server.url}/{NAME}")
    assert target.read_bytes() == CONTENT
    assert not part_of(target).exists()


def test_the_size_may_be_left_out(server, target):
    fetch(target, f"{server.url}/{NAME}", size=None)
    assert target.read_bytes() == CONTENT


def test_a_wrong_checksum_shows_expected_and_actual_and_leaves_nothing(server, target):
    with pytest.raises(UserError, match=f"expected the SHA-256 {'0' * 64}, actual is {SHA}"):
        fetch(target, f"{server.url}/{NAME}", sha256="0" * 64)
    assert list(target.parent.iterdir()) == []


def test_a_broken_connection_is_resumed_where_it_broke(server, target):
    server.break_after = 30_000
    fetch(target, f"{server.url}/{NAME}")
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=30000-"]


def test_a_later_run_resumes_what_an_earlier_one_left(server, target):
    server.break_after = 30_000
    with pytest.raises(UserError, match="broke after 30000 of"):
        fetch(target, f"{server.url}/{NAME}", tries=1)
    assert part_of(target).stat().st_size == 30_000 and not target.exists()
    fetch(target, f"{server.url}/{NAME}")
    assert target.read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=30000-"


def test_a_server_that_cannot_resume_sends_all_again(server, target):
    server.resumes, server.break_after = False, 30_000
    fetch(target, f"{server.url}/{NAME}")
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("size", [SIZE, None])
def test_a_part_that_is_whole_already_is_used(server, target, size):
    target.parent.mkdir(parents=True)
    part_of(target).write_bytes(CONTENT)
    fetch(target, f"{server.url}/{NAME}", size=size)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("size", [SIZE, None])
def test_a_part_of_another_longer_file_is_thrown_away(server, target, size):
    target.parent.mkdir(parents=True)
    part_of(target).write_bytes(b"x" * (len(CONTENT) + 10))
    fetch(target, f"{server.url}/{NAME}", size=size)
    assert target.read_bytes() == CONTENT


def test_a_part_that_began_as_another_file_is_fetched_anew(server, target):
    target.parent.mkdir(parents=True)
    part_of(target).write_bytes(b"x" * 100)
    fetch(target, f"{server.url}/{NAME}")
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["bytes=100-", None]


def test_a_busy_server_is_asked_again(server, target):
    server.busy = 2
    fetch(target, f"{server.url}/{NAME}")
    assert target.read_bytes() == CONTENT


def test_404_is_asked_once_and_says_what_to_put_where(server, target):
    with pytest.raises(UserError) as error:
        fetch(target, f"{server.url}/gone.csv")
    message = str(error.value)
    assert "404" in message and f"{server.url}/gone.csv" in message and str(target) in message
    assert f"dkd_000/{NAME}" in message and "mirror" in message and SHA in message
    assert len(server.ranges) == 1


def test_a_server_away_says_what_to_put_where(server, target):
    server.shutdown()
    server.server_close()
    with pytest.raises(UserError, match=r"could not be fetched: .*refused.*mirror"):
        fetch(target, f"{server.url}/{NAME}", tries=2)
    assert not target.exists()


@pytest.mark.parametrize("place", [f"dkd_000/{NAME}", NAME])
@pytest.mark.parametrize("packed", [False, True])
def test_the_mirror_is_looked_into_before_the_network(tmp_path, target, place, packed):
    copy = tmp_path / "mirror" / (f"{place}.gz" if packed else place)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    fetch(target, "http://127.0.0.1:9/not-asked", mirror=tmp_path / "mirror")
    assert target.read_bytes() == CONTENT


def test_a_gzipped_file_as_it_was_published_serves_as_a_mirror(target, real_data):
    target = target.with_name("DKD_kidney_000.expression.csv")
    sha = "ee9f0d135cb4f0a0f80f2e4d54425e2364b596def81e7df222edf5ff799da143"
    fetch(
        target,
        "http://127.0.0.1:9/not-asked",
        mirror=real_data / "native",
        sha256=sha,
        size=2084766,
    )
    assert target.stat().st_size == 2084766


@pytest.mark.parametrize("spoilt", [b"other", gzip.compress(CONTENT)[:500]])
def test_a_wrong_copy_in_the_mirror_is_named_and_passed_over(
    tmp_path, target, server, caplog, spoilt
):
    name = f"{NAME}.gz" if spoilt[:2] == b"\x1f\x8b" else NAME
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / name).write_bytes(spoilt)
    fetch(target, f"{server.url}/{NAME}", mirror=tmp_path / "mirror")
    assert target.read_bytes() == CONTENT
    assert f"{name} in the mirror is not used" in caplog.text
    assert list(target.parent.iterdir()) == [target]


def test_a_mirror_that_is_no_folder_is_refused(tmp_path, target):
    with pytest.raises(UserError, match="mirror: there is no folder"):
        fetch(target, "http://127.0.0.1:9/not-asked", mirror=tmp_path / "nowhere")


def test_a_file_of_this_machine_is_copied_and_checked(tmp_path, target):
    source = tmp_path / "a file.csv"
    source.write_bytes(CONTENT)
    fetch(target, source.as_uri())
    assert target.read_bytes() == CONTENT
    with pytest.raises(UserError, match="no such file"):
        fetch(target, (tmp_path / "gone.csv").as_uri())
