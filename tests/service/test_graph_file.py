"""The lot graph as arrays: the origins that the rows give, to the last digit; kept up; not believed of another log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger.errors import TooLarge
from ledger.log.merkle import compute_root, plan_root
from service.metrics import Metrics
from service.storage.engine import Store
from service.storage.graph_file import GraphFile, GraphView
from service.storage.head import Head, insert_head
from service.storage.read_subjects import load_subjects
from service.storage.schema import migrate
from service.storage.sql import execute, insert_many
from service.storage.tree import node_reader, upsert_tiles
from service.usecases import graph_climbing, graph_shares
from service.usecases.graph_following import current_view, follow_graph
from service.usecases.origins import GraphLimits, describe_origins, elements_of
from service.workers.grapher import Grapher
from tests.support.server import database_url

pytestmark = pytest.mark.usefixtures("engine")

MODELS = ("identity_preserved", "segregated", "controlled_blending", "mass_balance")
SITES = 60
MINED = 60
LOTS = 700
STAGE = 30
LIMIT = 10_000
_SUBJECT = "INSERT INTO subjects (num, id, kind, status, seq, data) VALUES (?, ?, ?, ?, ?, ?)"
_ORIGIN = "INSERT INTO lot_origins (lot, site, model) VALUES (?, ?, ?)"
_EDGE = "INSERT INTO edges (child, parent, mass, seq, moisture, assay) VALUES (?, ?, ?, ?, ?, ?)"


def lot_data(lot: int) -> dict[str, Any]:
    return {"id": f"lot:{lot}", "assay": {"Ta2O5": "30", "Nb": "1"} if lot % 3 else {}}


def fill(store: Store, *, kind: str, lots: int = LOTS) -> None:
    """A graph as the sequencer would leave it. kind: `forward` (sites in a row, one model), `circles` (any site after
    any other, any model), `yard` (one site, the strongest model), `stages` (what a site works on is all its own or none
    of it)."""
    chance = Random(kind)  # noqa: S311  # reproducible, not secret
    subjects, origins, edges = [], [], []
    for site in range(1, SITES + 1):
        data = {"country": f"C{site % 3}", "subdivision": f"S-{site % 4}", "kind": "mine", "id": f"site:{site}"}
        subjects.append((site, f"site:{site}", "site", "active", site, json.dumps(data)))
    record, inputs, place = 0, [], (0, "")
    for lot in range(SITES + 1, SITES + 1 + lots):
        subjects.append((lot, f"lot:{lot}", "lot", "active", lot, json.dumps(lot_data(lot))))
        age = lot - SITES
        if age <= MINED:
            origins.append((lot, chance.randint(1, 4), None))
            continue
        stage, begins = divmod(age, STAGE)
        if not inputs or not begins or chance.random() < 0.7:  # else another output of the same record
            record += 1
            near = range(max(SITES + 1, lot - 80), lot)
            if kind == "stages":
                near = range(SITES + 1 + (stage - 1) * STAGE, SITES + stage * STAGE)
            chosen = sorted(chance.sample(near, chance.choice((1, 1, 2, 3, 5))))
            inputs = [(parent, *taken_of(chance)) for parent in chosen]
            place = (5 + age * (SITES - 4) // (lots + 1), "segregated")
            if kind == "circles":
                place = (chance.randint(5, 9), chance.choice(MODELS))
            elif kind == "yard":
                place = (5, MODELS[0])
            elif kind == "stages":
                place = (5 + stage // 3, "segregated")
        origins.append((lot, *place))
        edges += [(lot, parent, mass, record, moisture, assay) for parent, mass, moisture, assay in inputs]
    with store.writing() as conn:
        insert_many(conn, _SUBJECT, subjects)
        insert_many(conn, _ORIGIN, origins)
        insert_many(conn, _EDGE, edges)


def taken_of(chance: Random) -> tuple[str, str, str]:
    """Mass, moisture, assay: some hold no metal, some next to nothing beside the others."""
    mass = chance.choice((f"{chance.randint(1, 10**9)}.{chance.randint(1, 999_999):06d}", "0.000001", "999999999.5"))
    assays = ('{"Ta2O5":"28.123456"}', '{"Ta2O5":"0"}', '{"Ta2O5":"31.7","Nb":"0.000001"}', "{}")
    return mass, f"{chance.randint(0, 900) / 100:.2f}", chance.choice(assays)


def sign_head(store: Store, *, size: int, subjects: int, salt: int = 0) -> None:
    """A head over `size` leaves, or the next one."""
    with store.writing() as conn:
        upsert_tiles(conn, {(0, 0): b"".join(bytes([n, salt] * 16) for n in range(size))})
        root = compute_root(size, node_reader(conn, plan_root(size), size))
        execute(conn, "DELETE FROM head")  # a database put back: no head shrinks by itself
        insert_head(conn, Head(size, root, 0, subjects, "note"))


def make_store(folder: Path, kind: str) -> Store:
    store = Store(database_url(folder))
    migrate(store)
    fill(store, kind=kind)
    sign_head(store, size=100, subjects=SITES + LOTS)
    return store


def follow_all(store: Store, file: GraphFile, chunk: int = 97) -> GraphView:
    while follow_graph(store, file, chunk=chunk):
        pass
    view = file.view()
    assert view is not None
    return view


@pytest.fixture(params=["forward", "circles", "yard", "stages"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    found = make_store(tmp_path, request.param)
    yield found
    found.close()


def test_the_arrays_give_the_origins_that_the_rows_give(store: Store, tmp_path: Path) -> None:
    view = follow_all(store, GraphFile(tmp_path / "graph"))
    assert view.head.lots == SITES + LOTS + 1
    answered = 0
    with store.reading() as conn:
        numbers = range(SITES + 1, SITES + LOTS + 1, 7)
        for number, lot in load_subjects(conn, list(numbers)).items():
            expected = describe_origins(conn, lot, limit=LIMIT)
            assert describe_origins(conn, lot, limit=LIMIT, view=view) == expected
            climbed = graph_climbing.climb(view, number, GraphLimits(lots=LIMIT))
            names = {site: f"site:{site}" for site in range(1, SITES + 1)}
            found = climbed and graph_shares.trace(view, number, elements_of(lot), names, climbed)
            answered += found is not None
            if found is not None:
                assert not any(one["exact"] for one in expected["elements"])
                for vector in found.vectors.values():
                    assert sum(vector.mines.values()) == vector.unit
            if number < SITES + MINED:
                assert found is None
    assert answered > 25


def test_a_part_that_is_another_shows(store: Store, tmp_path: Path) -> None:
    """The comparison above would see a single wrong number."""
    file = GraphFile(tmp_path / "graph")
    follow_all(store, file)
    (path,) = (tmp_path / "graph").glob("parts.*.bin")
    held = bytearray(path.read_bytes())
    for at in range(7, len(held), 8):
        held[at] ^= 1
    path.write_bytes(held)
    view = GraphFile(tmp_path / "graph").view()
    with store.reading() as conn:
        newest = load_subjects(conn, list(range(SITES + LOTS - 9, SITES + LOTS + 1))).values()
        asked = [(describe_origins(conn, one, limit=LIMIT), one) for one in newest]
        rounded = [(expected, one) for expected, one in asked if not any(e["exact"] for e in expected["elements"])]
        assert rounded
        for expected, one in rounded:
            assert describe_origins(conn, one, limit=LIMIT, view=view) != expected


def test_stretches_of_any_length_make_the_same_arrays(store: Store, tmp_path: Path) -> None:
    views = [follow_all(store, GraphFile(tmp_path / str(chunk)), chunk) for chunk in (61, 97, 5000)]
    for name in ("lots", "steps", "edges", "weights", "parts"):
        first, *others = (getattr(view, name).tobytes() for view in views)
        assert first
        assert others == [first, first]


def test_what_a_crash_left_behind_the_head_is_cut_off(store: Store, tmp_path: Path) -> None:
    whole = follow_all(store, GraphFile(tmp_path / "whole"))
    file = GraphFile(tmp_path / "graph")
    follow_graph(store, file, chunk=300)
    for path in (tmp_path / "graph").glob("*.bin"):
        path.write_bytes(path.read_bytes() + b"torn")
    view = follow_all(store, file)
    assert [view.edges.tobytes(), view.parts.tobytes()] == [whole.edges.tobytes(), whole.parts.tobytes()]
    assert view.lots.tobytes() == whole.lots.tobytes()


def test_beyond_a_limit_the_rows_are_asked_and_refuse(store: Store, tmp_path: Path) -> None:
    view = follow_all(store, GraphFile(tmp_path / "graph"))
    number = SITES + LOTS
    climbed = graph_climbing.climb(view, number, GraphLimits(lots=LIMIT))
    assert climbed is not None
    assert climbed.layers
    size, depth, inputs = len(climbed.lots), len(climbed.layers), int(climbed.rows["inputs"].max())
    just = GraphLimits(lots=size, depth=depth, inputs=inputs)
    assert graph_climbing.climb(view, number, just) is not None
    for less in (just._replace(lots=size - 1), just._replace(depth=depth - 1), just._replace(inputs=inputs - 1)):
        assert graph_climbing.climb(view, number, less) is None
    assert graph_climbing.climb(view, number + 1, just) is None
    with store.reading() as conn:
        lot = load_subjects(conn, [number])[number]
        with pytest.raises(TooLarge):
            describe_origins(conn, lot, limit=size - 1, view=view)


def test_arrays_of_another_log_are_not_believed_and_made_anew(store: Store, tmp_path: Path) -> None:
    file = GraphFile(tmp_path / "graph")
    with store.reading() as conn:
        assert current_view(conn, file) is None
    series = follow_all(store, file).head.series
    with store.reading() as conn:
        view = current_view(conn, file)
        assert view is not None
        assert current_view(conn, file) is view
    sign_head(store, size=120, subjects=SITES + LOTS)
    assert follow_graph(store, file) == 0  # the log grew without new lots
    with store.reading() as conn:
        assert current_view(conn, GraphFile(tmp_path / "graph")) is not None
    sign_head(store, size=120, subjects=SITES + LOTS, salt=1)  # a database put back, and another history since
    with store.reading() as conn:
        assert current_view(conn, GraphFile(tmp_path / "graph")) is None
    assert follow_all(store, file).head.series != series
    assert {path.name.split(".")[1] for path in (tmp_path / "graph").glob("*.bin")} == {file.head().series}  # type: ignore[union-attr]
    sign_head(store, size=50, subjects=SITES + LOTS, salt=1)  # a database behind the arrays
    with store.reading() as conn:
        assert current_view(conn, GraphFile(tmp_path / "graph")) is None
    (tmp_path / "graph" / "head.json").write_text('{"version": 0}')
    assert GraphFile(tmp_path / "graph").view() is None


def test_arrays_that_are_damaged_are_not_there(store: Store, tmp_path: Path) -> None:
    whole = follow_all(store, GraphFile(tmp_path / "graph")).parts.tobytes()
    head = (tmp_path / "graph" / "head.json").read_bytes()
    for told in (b"torn {", b"[]", b'{"version":1}', head.replace(b'"size"', b'"sise"')):
        (tmp_path / "graph" / "head.json").write_bytes(told)
        assert GraphFile(tmp_path / "graph").view() is None
    (tmp_path / "graph" / "head.json").write_bytes(head)
    (path,) = (tmp_path / "graph").glob("parts.*.bin")
    path.write_bytes(path.read_bytes()[:-8])
    assert GraphFile(tmp_path / "graph").view() is None
    path.unlink()
    assert GraphFile(tmp_path / "graph").view() is None
    (tmp_path / "graph" / "head.json").write_bytes(b"torn {")
    again = follow_all(store, GraphFile(tmp_path / "graph"))
    assert again.parts.tobytes() == whole


def test_one_process_appends_and_the_others_read(store: Store, tmp_path: Path) -> None:
    file, other = GraphFile(tmp_path / "graph"), GraphFile(tmp_path / "graph")
    assert follow_graph(store, file, chunk=300) == SITES + LOTS + 1 - 300
    first = other.view()
    assert first is not None
    assert len(first.lots) == 300
    with file.lock() as ours:
        assert ours
        assert follow_graph(store, other) is None
    follow_all(store, file)
    again = other.view()
    assert again is not None
    assert len(again.lots) == SITES + LOTS + 1
    assert other.view() is again


def test_the_worker_catches_up_and_says_how_far_it_is(store: Store, tmp_path: Path) -> None:
    file, metrics = GraphFile(tmp_path / "graph"), Metrics()
    grapher = Grapher(store, file, seconds=0.01, metrics=metrics)
    with file.lock():
        assert grapher.tick(file) == 0.01
    with store.writing() as conn:
        execute(conn, "DELETE FROM head")
    assert follow_graph(store, file) == 0
    sign_head(store, size=100, subjects=SITES + LOTS)
    grapher.start()
    while (view := file.view()) is None or view.head.lots <= SITES + LOTS:
        assert grapher._thread is not None
        grapher._thread.join(0.01)
        assert grapher._thread.is_alive()
    grapher.stop()
    assert metrics.registry.get_sample_value("lodeline_graph_behind_subjects") == 0
    Grapher(store, None, seconds=1).start()
    Grapher(store, file, seconds=0).stop()


def test_trouble_is_told_and_tried_again(store: Store, tmp_path: Path) -> None:
    (tmp_path / "graph").write_text("a file where the folder should be")
    grapher = Grapher(store, GraphFile(tmp_path / "graph"), seconds=0.01)
    grapher.start()
    assert grapher._thread is not None
    grapher._thread.join(0.2)
    assert grapher._thread.is_alive()
    grapher.stop()
