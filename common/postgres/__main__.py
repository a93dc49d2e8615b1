"""The embedded PostgreSQL from the command line.

python -m common.postgres url|start|stop|status|binaries
python -m common.postgres temporary [--name DATABASE] -- COMMAND ARGUMENTS…
"""

import argparse
import sys
from collections.abc import Sequence

from common.postgres.cluster import DATABASE
from common.postgres.development import development_cluster, embedded_url
from common.postgres.programs import PostgresError, find_binaries
from common.postgres.temporary import run_with_temporary_cluster


def _status() -> int:
    cluster = development_cluster()
    running = cluster.is_running()
    print(f"running: {cluster.url}" if running else "not running")
    return 0 if running else 3


def _act(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "url":
            print(embedded_url())
        case "start":
            embedded_url()
            return _status()
        case "stop":
            development_cluster().stop()
        case "binaries":
            print(find_binaries())
        case "temporary":
            command = arguments.command
            return run_with_temporary_cluster(command[command[:1] == ["--"] :], arguments.name)
        case _:
            return _status()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m common.postgres", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", required=True)
    for name, purpose in {
        "url": "print the address, starting the server if needed",
        "start": "start this checkout's server",
        "stop": "stop this checkout's server",
        "status": "say whether it runs",
        "binaries": "print the folder of PostgreSQL's programs",
    }.items():
        actions.add_parser(name, help=purpose)
    temporary = actions.add_parser("temporary", help="run a command on a throwaway server")
    temporary.add_argument("--name", default=DATABASE, help="the database's name")
    temporary.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.action == "temporary" and not [part for part in chosen.command if part != "--"]:
        parser.error("temporary: say which command to run")
    try:
        return _act(chosen)
    except PostgresError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
