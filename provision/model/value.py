"""`frozen`: immutable, slotted, keyword-only value classes.

It does what is used here of ``dataclass(frozen=True, slots=True, kw_only=True)``, in a tenth of the time: importing
dataclasses takes as long as starting Python, and defining the thirty values that `lock --check` uses as long again. To
type checkers the two are the same.
"""

from __future__ import annotations

from operator import attrgetter
from types import CodeType, FunctionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, NoReturn, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_):
        """For type checkers only."""
        return lambda decorator: decorator


class Field:
    """One field: its default, and whether it is compared and shown."""

    __slots__ = ("compare", "default", "factory", "repr")

    def __init__(self, default: object, factory: Callable[[], object] | None, *, compare: bool, repr: bool) -> None:  # noqa: A002
        self.default, self.factory, self.compare, self.repr = default, factory, compare, repr


_MISSING = object()


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], object] | None = None,
    compare: bool = True,
    repr: bool = True,  # noqa: A002  (dataclasses call it that)
) -> Any:
    """A field with a default made for every value, or one that comparisons or ``repr()`` leave out."""
    return Field(default, default_factory, compare=compare, repr=repr)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(
    cls: type[T] | None = None, /, *, kw_only: bool = True, order: bool = False, init: Callable[..., None] | None = None
) -> Any:
    """Make a class a value, as ``@frozen`` or ``@frozen(…)``; its bases must have no fields.

    With ``kw_only=False``, fields can be given and matched by position; with ``order``, values sort by their fields.
    ``init`` replaces the constructor that is compiled for the class.
    """
    if cls is None:
        return lambda made: _make(made, kw_only=kw_only, order=order, init=init)
    return _make(cls, kw_only=kw_only, order=order, init=init)


def replace(old: T, /, **changes: Any) -> T:
    """A copy of a value with some fields changed; a `TypeError` for a field that it does not have."""
    return old.__class__(**fields_of(old) | changes)


def fields_of(value: object) -> dict[str, Any]:
    """A value's fields by name, in the order of its class; without private ones, such as an index of the others."""
    return {name: getattr(value, name) for name in vars(value.__class__)["__slots__"] if name[0] != "_"}


def _make(cls: type, *, kw_only: bool, order: bool, init: Callable[..., None] | None) -> type:
    namespace = {name: member for name, member in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    fields: dict[str, Field] = {}
    for name in cls.__annotations__:
        default = namespace.pop(name, _MISSING)
        fields[name] = default if isinstance(default, Field) else Field(default, None, compare=True, repr=True)
    names = tuple(fields)
    shown = tuple(name for name in names if fields[name].repr)
    compared = [name for name in names if fields[name].compare]
    namespace |= {"__slots__": names, "__match_args__": () if kw_only else names}
    namespace |= {"__setattr__": _refuse, "__delattr__": _refuse, "__replace__": replace}
    for method in _methods(attrgetter(*compared), shown, order=order):
        namespace.setdefault(method.__name__, method)
    made = type(cls)(cls.__name__, cls.__bases__, namespace)
    made.__init__ = init or _initialiser(made, fields, kw_only=kw_only)  # type: ignore[misc]
    return made


def _initialiser(cls: type, fields: Mapping[str, Field], *, kw_only: bool) -> Callable[..., None]:
    """``__init__`` as compiled code, since setting the fields in a loop takes three times as long."""
    scope: dict[str, Any] = {"_missing": _MISSING}
    defaults: dict[str, object] = {}
    for number, (name, one) in enumerate(fields.items()):
        scope[f"_set{number}"] = vars(cls)[name].__set__
        if one.factory is not None:
            scope[f"_make{number}"] = one.factory
        if one.factory is not None or one.default is not _MISSING:
            defaults[name] = one.default
    template = _template(tuple(one.factory is not None for one in fields.values()))
    code = template.replace(
        co_varnames=("self", *fields),
        co_argcount=1 if kw_only else 1 + len(fields),
        co_kwonlyargcount=len(fields) if kw_only else 0,
        co_qualname=f"{cls.__qualname__}.__init__",
    )
    made: Callable[..., None] = FunctionType(code, scope, "__init__", None if kw_only else tuple(defaults.values()))
    made.__kwdefaults__ = defaults if kw_only else None
    made.__annotations__ = dict(cls.__annotations__)
    return made


_templates: dict[tuple[bool, ...], CodeType] = {}


def _template(have_factories: tuple[bool, ...]) -> CodeType:
    """The code of ``__init__`` of all classes with so many fields; compiling it takes most of the time for a class."""
    if (known := _templates.get(have_factories)) is None:
        numbers = range(len(have_factories))
        values = [f"_make{n}() if p{n} is _missing else p{n}" if have_factories[n] else f"p{n}" for n in numbers]
        lines = [f" _set{n}(self, {values[n]})" for n in numbers]
        scope: dict[str, Any] = {}
        exec("\n".join([f"def __init__({', '.join(['self', *(f'p{n}' for n in numbers)])}):", *lines]), scope)  # noqa: S102
        known = _templates[have_factories] = scope["__init__"].__code__
    return known


def _methods(key: Callable[[Any], Any], shown: tuple[str, ...], *, order: bool) -> Iterator[Callable[..., Any]]:
    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(key(self))

    def __repr__(self: object) -> str:  # noqa: N807
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    yield from (__eq__, __hash__, __repr__)
    if order:

        def __lt__(self: object, other: object) -> bool:  # noqa: N807
            return key(self) < key(other) if other.__class__ is self.__class__ else NotImplemented

        def __le__(self: object, other: object) -> bool:  # noqa: N807
            return key(self) <= key(other) if other.__class__ is self.__class__ else NotImplemented

        yield from (__lt__, __le__)


def _refuse(self: object, name: str, *_: object) -> NoReturn:
    raise AttributeError(f"{type(self).__name__} is a value: its field {name!r} cannot be changed")
