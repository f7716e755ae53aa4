"""Several `lodeline-server` commands in one process: starting one takes longer than what most of them do.

`python -m demo.together '[["keygen", "--out", "a"], ...]'` runs them in order, stops at the first that fails, and
prints a JSON list of [exit code, output].
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from demo.stage import DemoFailed

SECONDS = 180
ROOT = Path(__file__).resolve().parents[1]


def run_together(folder: Path, commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> list[str]:
    """What each command printed, in a process with these variables beside ours. DemoFailed when one of them fails."""
    paths = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "demo.together", json.dumps([list(words) for words in commands])],
        cwd=folder, env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": paths, **environment}, capture_output=True,
        text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    try:
        answers = json.loads(done.stdout)
    except ValueError:
        raise DemoFailed(f"the commands of the operator came to nothing:\n{done.stdout}{done.stderr}") from None
    for words, (code, text) in zip(commands, answers, strict=False):
        if code:
            raise DemoFailed(f"`lodeline-server {' '.join(words[:3])}` ended with {code}:\n{text}")
    return [text for _, text in answers]


def main() -> None:
    """Run the commands of the argument."""
    from service.manage import main as run

    answers: list[tuple[int, str]] = []
    for words in json.loads(sys.argv[1]):
        text, code = io.StringIO(), 0
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            try:
                run(words)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        answers.append((code, text.getvalue()))
        if code:
            break
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
