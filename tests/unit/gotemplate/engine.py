"""A small set of functions and data for tests of the engine."""

from collections.abc import Mapping

from exporter.gotemplate.function import Function, FunctionError, registrar
from exporter.gotemplate.limits import Limits
from exporter.gotemplate.template_set import TemplateSet
from exporter.gotemplate.values import AnyMap, GoObject, Int64, StringMap, StringSlice, Value


class Thing(GoObject):
    """An object with a method of each kind."""

    __slots__ = ()
    go_type = "*test.Thing"
    methods: dict[str, Function] = {}  # noqa: RUF012 - filled below
    go_methods = methods

    def go_fields(self) -> Mapping[str, Value]:
        return {"Name": "thing"}


_method = registrar(Thing.methods)


@_method("func(string) string", "Get")
def _get(_thing: Thing, key: str) -> str:
    return f"<{key}>"


@_method("func() (string, error)", "Fail")
def _fail(_thing: Thing) -> str:
    raise FunctionError("no luck")


def data() -> dict[str, Value]:
    return {
        "s": "text",
        "i": 3,
        "nil": None,
        "list": [1, "two", None],
        "map": {"b": 1, "a": {"c": "deep"}},
        "any": AnyMap({"k": "v"}),
        "strings": StringMap(k="v"),
        "i64": Int64(7),
        "words": StringSlice(["x", "y"]),
        "thing": Thing(),
    }


def template_set(*, limits: Limits | None = None) -> TemplateSet:
    functions: dict[str, Function] = {}
    go = registrar(functions)

    @go("func(...interface {}) []interface {}", "list")
    def _list(*items: Value) -> list[Value]:
        return list(items)

    @go("func(int, string) string", "repeat")
    def _repeat(count: int, text: str) -> str:
        return text * count

    @go("func(string) (string, error)", "fail")
    def _fail_always(message: str) -> str:
        raise FunctionError(message)

    @go("func(interface {}) int64", "int64")
    def _int64(_value: Value) -> int:
        return 5

    @go("func(map[string]interface {}) bool", "isNilMap")
    def _is_nil_map(items: Mapping[str, Value] | None) -> bool:
        return items is None

    @go("func(string, interface {}) (string, error)", "include")
    def _include(name: str, dot: Value) -> str:
        return templates.execute(name, dot)

    @go("func(string, interface {}) (string, error)", "tpl")
    def _tpl(text: str, dot: Value) -> str:
        templates.parse("tpl", text)
        return templates.execute("tpl", dot)

    templates = TemplateSet(functions, limits=limits or Limits(), root="main")
    return templates


def render(text: str, dot: Value = None, *, limits: Limits | None = None) -> str:
    templates = template_set(limits=limits)
    templates.parse("main", text)
    return templates.execute("main", data() if dot is None else dot)
