"""`bin/_setup` installs locked packages with uv, from where pip would, and with pip without uv."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pip
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
METADATA = "Metadata-Version: 2.1\nName: harbor-sign\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
RECORD = "harbor_sign-1.0.dist-info/RECORD"
NAME = "harbor_sign-1.0-py3-none-any.whl"
INSTALL = "source bin/_setup; install_locked requirements; is_installed requirements"
UV_PATH = Path(sys.executable).with_name("uv")


def make_wheel(folder: Path) -> str:
    """Build a package of one module; returns its hash."""
    path = folder / NAME
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("harbor_sign.py", "TEXT = 'open'\n")
        wheel.writestr("harbor_sign-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("harbor_sign-1.0.dist-info/WHEEL", WHEEL)
        record = "".join(f"{name},,\n" for name in [*wheel.namelist(), RECORD])
        wheel.writestr(RECORD, record)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Mirror:
    """An index of an office's own, which has one package."""

    def __init__(self, folder: Path) -> None:
        self.digest = make_wheel(folder)
        self.asked: list[str] = []
        content = (folder / NAME).read_bytes()
        page = f'<a href="/{NAME}#sha256={self.digest}">{NAME}</a>'.encode()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path)
                body = content if self.path.endswith(".whl") else page
                self.send_response(200 if "harbor" in self.path else 404)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_arguments: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/simple"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    running = Mirror(tmp_path)
    yield running
    running.close()


def locked(mirror: Mirror, digest: str = "") -> str:
    return f"harbor-sign==1.0 --hash=sha256:{digest or mirror.digest}\n"


def environment(mirror: Mirror, **changes: str) -> dict[str, str]:
    """What pip is told in the office, and nothing of this machine's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": mirror.url}
    return {**kept, **settings, "NO_PROXY": "127.0.0.1", **changes}


def install_with_uv(
    mirror: Mirror, folder: Path, digest: str = "", **changes: str
) -> subprocess.CompletedProcess[str]:
    requirements = folder / "requirements.txt"
    requirements.write_text(locked(mirror, digest))
    target = ("--target", str(folder / "here"), "--requirement", str(requirements))
    return subprocess.run(
        [sys.executable, ROOT / "bin" / "uv_as_pip.py", *target],
        env=environment(mirror, **changes),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not UV_PATH.exists(), reason="This platform has no uv.")
class TestUv:
    @pytest.mark.slow
    def test_it_asks_the_index_that_pip_was_told(self, mirror: Mirror, tmp_path: Path) -> None:
        answer = install_with_uv(mirror, tmp_path)

        assert answer.returncode == 0, answer.stderr
        assert (tmp_path / "here" / "harbor_sign.py").exists()
        assert mirror.asked[0] == "/simple/harbor-sign/"

    @pytest.mark.slow
    def test_a_pip_told_to_use_a_folder_alone_needs_no_index(
        self, mirror: Mirror, tmp_path: Path
    ) -> None:
        changes = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}

        answer = install_with_uv(mirror, tmp_path, **changes)

        assert answer.returncode == 0, answer.stderr
        assert (tmp_path / "here" / "harbor_sign.py").exists()
        assert not mirror.asked

    @pytest.mark.slow
    def test_a_home_that_cannot_be_written_is_no_obstacle(
        self, mirror: Mirror, tmp_path: Path
    ) -> None:
        answer = install_with_uv(mirror, tmp_path, HOME=os.devnull)

        assert answer.returncode == 0, answer.stderr
        assert (tmp_path / "here" / "harbor_sign.py").exists()

    @pytest.mark.slow
    def test_another_content_than_the_locked_one_is_refused(
        self, mirror: Mirror, tmp_path: Path
    ) -> None:
        answer = install_with_uv(mirror, tmp_path, digest="0" * 64)

        assert answer.returncode != 0
        assert "Hash mismatch" in answer.stderr
        assert not (tmp_path / "here" / "harbor_sign.py").exists()


@pytest.mark.slow
def test_where_uv_has_no_wheel_pip_installs_and_says_so(mirror: Mirror, tmp_path: Path) -> None:
    checkout, only_pip = tmp_path / "checkout", tmp_path / "pip"
    shutil.copytree(ROOT / "bin", checkout / "bin")
    venv.create(checkout / ".venv", symlinks=True)
    only_pip.mkdir()
    (only_pip / "pip").symlink_to(Path(pip.__file__).parent)
    (checkout / "requirements-uv.txt").write_text(f"uv==1.0 --hash=sha256:{'0' * 64}\n")
    (checkout / "requirements.txt").write_text(locked(mirror))

    answer = subprocess.run(
        ["bash", "-euc", INSTALL],
        cwd=checkout,
        env=environment(mirror, PYTHONPATH=str(only_pip)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert "uv couldn't install them (see above). Using pip, which takes longer." in answer.stderr
    assert list(checkout.glob(".venv/lib/*/site-packages/harbor_sign.py"))
