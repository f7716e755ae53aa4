"""`lodeline init`: the home folder, the service and the log that is trusted from then on."""

from __future__ import annotations

from typing import Annotated

import typer

from clients.cli.options import AsJson


def init(
    url: Annotated[str, typer.Argument(help="Address of the service.", metavar="URL")],
    participant: Annotated[str, typer.Option("--participant", "-p", help="Your participant id, a DID or URI.")] = "",
    log_key: Annotated[str, typer.Option("--log-key", help="The log's vkey, from a source that you trust.")] = "",
    as_json: AsJson = False,
) -> None:
    """Set up the home folder and pin the log's key.

    Without --log-key the key is taken from the service at this first contact: compare it with what others see. With
    --log-key no network is needed, so that signing can begin offline.

    [bold]Examples[/]
      lodeline init https://ledger.example --participant did:web:mine.example
      lodeline init https://ledger.example -p did:web:mine.example --log-key 'ledger.example/log+1a2b3c4d+AZ...'
    """
    import re

    from clients.cli.home import Config, Home, read_retries
    from clients.cli.output import say, show_json
    from clients.cli.verify import load_trust
    from clients.sdk.client import LodelineClient
    from clients.sdk.errors import LocalError
    from clients.sdk.store import PinnedLog, Store
    from ledger.custody.vocabulary import ID_PATTERN

    home = Home()
    old = home.config() if home.config_path.exists() else Config()
    if participant and not re.fullmatch(ID_PATTERN, participant):
        raise LocalError(f"{participant!r} is not a participant id: write a DID or URI such as did:web:mine.example.")
    store = Store(home.folder)
    pin = store.read_pin()
    if log_key and pin is None:
        (log,) = load_trust(log_key, None).logs
        pin = PinnedLog(log.verifier.name, log_key)
        store.write_pin(pin)
    if log_key and pin is not None and pin.vkey != log_key:
        raise LocalError(f"{home.folder} trusts another log already: choose another folder with LODELINE_HOME.")
    with LodelineClient(url, store=store, retries=read_retries()) as client:
        origin = client.origin
    vkey = pin.vkey if pin else (store.read_pin() or PinnedLog("", "")).vkey
    home.save(Config(url, participant or old.participant, old.key))
    result = {"home": str(home.folder), "url": url, "participant": participant or old.participant}
    result |= {"origin": origin, "log_key": vkey}
    if as_json:
        show_json(result)
        return
    for name, value in result.items():
        say(f"{name:12} {value}")
    if not log_key:
        say("Trusted at first contact: compare the log key with what the registrar publishes.", style="yellow")
    if not old.key:
        say("Next: `lodeline key new`, then ask the registrar to enrol the key that `lodeline key export` prints.")
