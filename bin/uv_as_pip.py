"""Installs with uv from wherever pip would: uv doesn't read pip's settings itself.

    .venv/bin/python bin/uv_as_pip.py --requirement requirements.txt

pip takes its index, proxy, and certificates from files and PIP_… variables; an office that mirrors
PyPI sets them there. If uv's own settings (UV_…) are set too, they win.
"""

import ast
import os
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

# pip's setting, uv's, and uv's separator between values.
SETTINGS = (
    ("index-url", "UV_DEFAULT_INDEX", " "),
    ("extra-index-url", "UV_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("trusted-host", "UV_INSECURE_HOST", " "),
    ("timeout", "UV_HTTP_TIMEOUT", " "),
    ("default-timeout", "UV_HTTP_TIMEOUT", " "),
    ("cert", "SSL_CERT_FILE", " "),
    ("client-cert", "SSL_CLIENT_CERT", " "),
    ("proxy", "ALL_PROXY", " "),
    ("proxy", "HTTPS_PROXY", " "),
    ("proxy", "HTTP_PROXY", " "),
)
# Where pip's settings come from; later ones win.
PLACES = ("global", "install", ":env:")
# `--compile-bytecode`: a user who can't write into .venv would compile everything at each start.
COMMAND = ("uv", "pip", "install", "--quiet", "--require-hashes", "--compile-bytecode")


def pip_settings() -> dict[str, str]:
    """Return the settings of `pip install`, from its files and the environment."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    settings: dict[str, dict[str, str]] = {place: {} for place in PLACES}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        place, _, setting = name.partition(".")
        if place in settings:
            settings[place][setting] = str(ast.literal_eval(value))
    return settings["global"] | settings["install"] | settings[":env:"]


def uv_environment(pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that makes uv look where pip would."""
    # Any index may provide a version; the hashes tell whether it's the right one.
    added = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for setting, name, between in SETTINGS:
        if values := pip.get(setting, "").split():
            added.setdefault(name, between.join(values))
    if sys.platform == "darwin" or ssl.get_default_verify_paths().cafile:
        added["UV_SYSTEM_CERTS"] = "true"
    if not _can_be_written(_cache(environment)):
        added["UV_NO_CACHE"] = "true"
    return added | {name: value for name, value in environment.items() if value}


def _cache(environment: Mapping[str, str]) -> Path:
    if chosen := environment.get("UV_CACHE_DIR"):
        return Path(chosen)
    caches = environment.get("XDG_CACHE_HOME")
    return Path(caches or Path(environment.get("HOME", "/"), ".cache")) / "uv"


def _can_be_written(folder: Path) -> bool:
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def main() -> None:
    pip = pip_settings()
    no_index = ["--no-index"] * (pip.get("no-index", "").lower() in {"1", "true", "yes", "on"})
    command = [*COMMAND, "--python", sys.executable, *no_index, *sys.argv[1:]]
    uv = Path(sysconfig.get_path("scripts"), "uv")
    environment = uv_environment(pip, os.environ)
    sys.exit(subprocess.run(command, executable=uv, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
