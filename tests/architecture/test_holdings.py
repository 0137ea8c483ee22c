"""Every collection says what it holds of people, and everything that holds something is erased."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from odmantic.model import Model

from quickpoll.composition import MODELS, Services
from quickpoll.foundation.stores.holdings import SECTIONS, Fate
from quickpoll.foundation.stores.mongo_indexes import wanted_of
from quickpoll.holdings import HOLDINGS
from tests.architecture import holdings_table
from tests.architecture.house import modules
from tests.conftest import secret, settings_from

declared = {one.collection: one for one in HOLDINGS}

goes_by_the_declarations = {"people/export.py", "operations/schema.py"}
"""They open no other collections than those that are declared, or modelled."""

names_databases = {"database", "_database", "db"}


def modelled() -> Iterator[str]:
    """The collections that a class of ours says it is kept in."""
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "model_config":
                yield from _collection_in(node.value)


def _collection_in(config: ast.expr) -> Iterator[str]:
    pairs = zip(config.keys, config.values, strict=True) if isinstance(config, ast.Dict) else ()
    for key, value in pairs:
        if isinstance(key, ast.Constant) and key.value == "collection":
            yield str(ast.literal_eval(value))


def raw() -> Iterator[str]:
    """The collections that are opened by their name: ``database[…]``."""
    everywhere = {
        name: text for one in modules().values() for name, text in _texts_of(one.tree).items()
    }
    for module in modules().values():
        if module.place in goes_by_the_declarations:
            continue
        constants = {**everywhere, **_texts_of(module.tree)}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Subscript) and _is_database(node.value):
                name = node.slice
                if isinstance(name, ast.Constant):
                    yield str(name.value)
                elif isinstance(name, ast.Name):
                    yield constants[name.id]


def _texts_of(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found |= {one.id: value.value for one in targets if isinstance(one, ast.Name)}
    return found


def _is_database(node: ast.expr) -> bool:
    return getattr(node, "attr", getattr(node, "id", "")) in names_databases


def test_every_collection_is_declared_once() -> None:
    assert [
        name for name, times in Counter(o.collection for o in HOLDINGS).items() if times > 1
    ] == []
    assert {*modelled(), *raw()} == set(declared)
    assert {model.__collection__ for model in MODELS} <= set(declared)


def test_a_collection_that_nobody_declared_would_be_noticed() -> None:
    assert {"vote", "poll", "erasure"} <= set(modelled())
    assert {"uncounted", "direct_count", "heartbeat", "lease"} <= set(raw())


def named(model: type[Model]) -> set[str]:
    """Fields of a model that look as if they held people's ids."""
    return {
        name
        for one in model.__odm_fields__.values()
        for name in [getattr(one, "key_name", "")]
        if "user" in name.lower() or name == "by"
    }


def test_fields_that_are_named_after_people_are_declared() -> None:
    for model in MODELS:
        fields = {one.partition(".")[0] for one in declared[model.__collection__].fields}
        assert named(model) <= fields, model


def test_every_holding_says_what_is_kept_and_what_becomes_of_it() -> None:
    for one in HOLDINGS:
        assert one.kept.endswith("."), one.collection
        assert bool(one.fields) == (one.fate is not Fate.NOTHING), one.collection
        assert {export.section for export in one.exports} <= set(SECTIONS)


def test_everything_that_is_held_has_an_eraser() -> None:
    """One for each that goes simply; the others are named here, with who erases them."""
    stepwise = {one.collection for one in HOLDINGS if one.fate is Fate.STEPWISE}
    assert stepwise == {"poll", "vote", "like", "erasure", "session", "webhook"}
    services = Services(
        settings_from(
            {"API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll", "JWT_SECRET_KEY": secret}
        )
    )
    simple = [one for one in HOLDINGS if one.fate in (Fate.DELETED, Fate.NAMELESS)]
    # All but erasures: one forgets its own person when it is done.
    assert len(services.people.erasures.erasers) == len(stepwise) - 1 + len(simple)


def test_people_are_found_by_an_index() -> None:
    """Else an erasure would read whole collections."""
    indexed = {
        (model.__collection__, spec.keys[0][0]) for model in MODELS for spec in wanted_of(model)
    }
    small = {"uncounted", "erasure"}
    for one in HOLDINGS:
        for field in one.fields:
            found = field == "_id" or (one.collection, field) in indexed
            assert found or one.collection in small, field


def test_the_documentation_has_the_table_that_the_declarations_make() -> None:
    text = holdings_table.page.read_text("utf-8")
    (found,) = [match.group() for match in holdings_table.place.finditer(text)]
    assert found == holdings_table.table(), "run: python -m tests.architecture.holdings_table"
