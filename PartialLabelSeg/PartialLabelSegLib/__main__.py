"""The worker's entry: `python3 PartialLabelSeg/PartialLabelSegLib <command>`, or `python3 -m PartialLabelSegLib <command>`.

On a fresh machine it first sets its environment up. Nothing here may import a package that is not in the standard library.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """The exit status of the command: 0 done, 1 failed, 2 could not start, 130 stopped by Ctrl+C."""
    put_parent_on_path()
    from PartialLabelSegLib import setup_environment

    setup_environment.write_any_letter()
    setup_environment.be_a_good_neighbour()
    try:
        setup_environment.require_worker(setup_environment.modules_for(sys.argv[1] if len(sys.argv) > 1 else ""))
    except setup_environment.SetupError as error:
        return refuse(error.message, error.way_out)
    except KeyboardInterrupt:
        setup_environment.say("Stopped. The same command goes on with the set-up.")
        return 130

    from PartialLabelSegLib.cli import main as command_line

    return command_line(sys.argv[1:])


def put_parent_on_path() -> None:
    """Python puts a folder that it runs on the path itself, where our `data` or `run` would hide modules of the same names."""
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != PACKAGE_FOLDER]
    if str(PACKAGE_FOLDER.parent) not in sys.path:
        sys.path.insert(0, str(PACKAGE_FOLDER.parent))


def refuse(message: str, way_out: str) -> int:
    """Says it twice: as an event for the panel on stdout, as a sentence for a person on stderr."""
    sentence = f"{message} {way_out}"
    event = {"event": "error", "time": round(time.time(), 3), "message": sentence, "wrong": message, "way_out": way_out}
    print(json.dumps(event, ensure_ascii=False), flush=True)
    print(f"PartialLabelSeg: {sentence}", file=sys.stderr, flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
