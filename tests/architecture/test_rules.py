"""Rules of the house that the source itself can be asked about."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.architecture.house import Module, calls, functions, modules, python_files, root

Rule = Callable[[Module], Iterator[str]]

most_lines_of_a_file = 300
most_lines_of_a_function = 40

ROOTS_OF_ERRORS = {"QuickPollError", "InternalError", "FieldError"}

vague = {"helpers", "helper", "utils", "util", "manager", "managers", "common", "misc", "base"}

of_the_request = {"current_app", "g", "request", "websocket", "session", "after_this_request"}
may_touch_the_request = {
    "factory.py",  # the guard, before every request
    "auth/web.py",  # where the guard leaves the caller, and views find them
}

redis_words = re.compile(r"^(poll:|tally:|heartbeat:|poll-updates$)")
may_name_keys = {
    "counting/keys.py",
    "realtime/audience.py",  # the room of a poll, which is no key
}

end_with_their_block = {
    "repair/barrier.py",  # the keeper of a barrier ends with the `async with` that closed it
    "counting/counted_path.py",  # awaited when it ends
    "foundation/stores/bulk_writes.py",  # awaited where it is made: a context of its own
    "lifespan.py",  # the farewell to clients, at the very end
    "foundation/http1/connection.py",  # one request, ended with its connection
    "foundation/http1/takeover.py",  # ended with the server that it watches
    "socketio/server.py",  # single emits
    "socketio/fanout.py",  # single writes
}


def is_short(module: Module) -> Iterator[str]:
    """Files and functions are short. A blueprint is a list of routes, each its own function."""
    if module.lines > most_lines_of_a_file:
        yield f"{module.lines} lines"
    for function in functions(module.tree):
        if length(function) > most_lines_of_a_function and function.name != "blueprint":
            yield f"{function.name}: {length(function)} lines"


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function, its decorators aside."""
    return (function.end_lineno or 0) - function.lineno + 1


def names_constants_in_capitals(module: Module) -> Iterator[str]:
    """What is set once, at the top of a module, to a plain value, has its name in capitals."""
    for node in module.tree.body:
        if not (isinstance(node, ast.Assign) and _is_plain(node.value)):
            continue
        for target in node.targets:
            named = target.id if isinstance(target, ast.Name) else "__"
            if named.strip("_").islower() and not named.startswith("__"):
                yield named


def _is_plain(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) in ("re.compile", "frozenset", "timedelta")
    return isinstance(value, ast.Constant | ast.Tuple | ast.Set | ast.Dict | ast.List)


def names_errors_after_what_happened(module: Module) -> Iterator[str]:
    """An error is named after what happened (``PollClosed``); roots alone are errors."""
    for node in ast.walk(module.tree):
        named = node.name if isinstance(node, ast.ClassDef) else ""
        if named.endswith(("Error", "Exception")) and named not in ROOTS_OF_ERRORS:
            yield named


def imports_by_whole_names(module: Module) -> Iterator[str]:
    """Imports say the whole name of what they import."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield ast.unparse(node)


def has_a_telling_name(module: Module) -> Iterator[str]:
    """No drawer for what has no name."""
    yield from vague & set(module.name.split("."))


def is_documented(module: Module) -> Iterator[str]:
    """Every public thing says what it is; an error does by its title, detail and tree."""
    if not ast.get_docstring(module.tree):
        yield "the module itself"
    for node in public(module.tree):
        if not ast.get_docstring(node) and not is_error(node):
            yield node.name


def public(tree: ast.AST) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Classes, functions and methods that others may use."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("_"):
            yield node
            yield from public(node) if isinstance(node, ast.ClassDef) else ()


def is_error(node: ast.AST) -> bool:
    """Whether it is a class of the error tree."""
    return isinstance(node, ast.ClassDef) and any(
        isinstance(one, ast.Assign) and ast.unparse(one).startswith(("code", "status"))
        for one in node.body
    )


def leaves_the_request_to_views(module: Module) -> Iterator[str]:
    """Only views touch the request."""
    if module.path.name != "views.py" and module.place not in may_touch_the_request:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module in ("quart", "flask"):
                yield from of_the_request & {alias.name for alias in node.names}


def names_no_redis_key(module: Module) -> Iterator[str]:
    """Redis keys and channels have one home."""
    if module.place not in may_name_keys:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from redis_words.findall(node.value)


def says_where_messages_go(module: Module) -> Iterator[str]:
    """Every message to clients names its room or its connections."""
    if module.room == "realtime":
        for name, wanted in (("emit", {"to", "room"}), ("send", {"room", "sids"})):
            for call in calls(module.tree, name):
                if not on_super(call) and not wanted & {one.arg for one in call.keywords}:
                    yield ast.unparse(call)


def on_super(call: ast.Call) -> bool:
    """Whether a method only hands on what it was given."""
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "super()"


def owns_its_loops(module: Module) -> Iterator[str]:
    """Whoever starts a task ends it, by ``aclose``."""
    if module.place in end_with_their_block:
        return
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef):
            names = {one.name for one in functions(node)}
            if any(calls(node, "create_task")) and "aclose" not in names:
                yield node.name
        elif any(calls(node, "create_task")):
            yield ast.unparse(node)


rules: tuple[Rule, ...] = (
    is_short,
    has_a_telling_name,
    is_documented,
    leaves_the_request_to_views,
    names_no_redis_key,
    says_where_messages_go,
    owns_its_loops,
    names_constants_in_capitals,
    imports_by_whole_names,
    names_errors_after_what_happened,
)


@pytest.mark.parametrize("rule", rules, ids=lambda rule: rule.__name__)
def test_every_module(rule: Rule) -> None:
    broken = [f"{one.place}: {said}" for one in modules().values() for said in rule(one)]
    assert broken == [], rule.__doc__


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (is_short, "def f():\n" + "    x\n" * 50),
        (has_a_telling_name, ""),
        (is_documented, "def f(): ..."),
        (names_constants_in_capitals, "most_files = 3"),
        (imports_by_whole_names, "from .house import Module"),
        (names_errors_after_what_happened, "class StoreError(Exception): ..."),
        (leaves_the_request_to_views, "from quart import request"),
        (names_no_redis_key, "f'poll:{x}:likes'"),
        (says_where_messages_go, "sio.emit('vote-update', {})"),
        (owns_its_loops, "class A:\n  def start(self): asyncio.create_task(self.f())"),
        (owns_its_loops, "def f(): asyncio.create_task(g())"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_rule_would_be_noticed(rule: Rule, source: str) -> None:
    some = modules()["quickpoll.realtime.relay"]
    path = some.path.with_name("helpers.py")
    assert list(rule(Module("quickpoll.realtime.helpers", path, ast.parse(source), 51)))


def long_files(folder: Path) -> list[str]:
    """The files of a folder that are longer than a file may be, and how many lines each has."""
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in python_files(folder)}
    return [
        f"{path.relative_to(folder).as_posix()}: {lines} lines"
        for path, lines in lengths.items()
        if lines > most_lines_of_a_file
    ]


@pytest.mark.parametrize("folder", ["tests", "bench"])
def test_files_beside_the_package_are_short_too(folder: str) -> None:
    assert any(python_files(root / folder))
    assert long_files(root / folder) == []


def test_a_long_file_would_be_noticed(tmp_path: Path) -> None:
    for name, lines in (("a.py", 301), ("b.py", 300), ("node_modules/c.py", 301)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n" * lines)
    assert long_files(tmp_path) == ["a.py: 301 lines"]


def test_most_functions_are_very_short() -> None:
    lengths = [length(one) for module in modules().values() for one in functions(module.tree)]
    assert median(lengths) < 10


def test_what_is_excepted_is_still_there() -> None:
    places = {module.place for module in modules().values()}
    assert may_touch_the_request | may_name_keys | end_with_their_block <= places
