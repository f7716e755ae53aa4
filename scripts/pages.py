"""Write the pages of docs/ that are generated from the code, or say which of them no longer fit it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts import errors, events, reference, rules

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = {
    DOCS / "formats" / "events.md": events.format_page,
    DOCS / "formats" / "errors.md": errors.format_page,
    DOCS / "formats" / "reference.md": reference.format_page,
    DOCS / "rules.md": rules.format_page,
}


def main() -> int:
    """Write the pages, or with --check compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page does not fit")
    check = parser.parse_args().check
    stale = []
    for path, format_page in PAGES.items():
        page = format_page()
        if not check:
            path.write_text(page, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != page:
            stale.append(path.name)
    for name in stale:
        print(f"{name} in docs/ does not fit the code: run `make pages`", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
