"""`keyed`: a frozen value with a field for each key of a file's table.

A table is declared as a class, one field a key: ``build_options`` is the key ``build-options``. Its default says what
the key takes, what people are told of it, and what the value holds where the key is not written. `value_of` is the one
place where what was read by key becomes fields; from there on, type checkers know what each field holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from provision.model.value import frozen

T = TypeVar("T")
V = TypeVar("V")

if TYPE_CHECKING:
    from typing import dataclass_transform
else:

    def dataclass_transform(**_):
        """Of use to type checkers only."""
        return lambda decorator: decorator


class Kind(Generic[T]):
    """What a key that people write may hold, and the ``T`` it reads as; `manifest.kinds` has them all."""

    def read(self, value: object, path: Any, problems: Any) -> T | None:
        """The value, or None after adding what is wrong with it to the problems."""
        raise NotImplementedError


# What a key that provision itself writes may hold: raises `ValueError` with the rest of a sentence on anything else.
Reader = Callable[[Any], T]


class KeyField:
    """One key of a table: what it takes, what people are told of it, and the field it becomes.

    ``default`` is what the field holds where the key is missing, ``schema_default`` what the JSON schema tells of that,
    in the file's own terms; None where it tells nothing.
    """

    __slots__ = ("default", "doc", "examples", "key", "kind", "required", "schema_default", "set_on")

    key: str
    set_on: Callable[[object, object], None]

    def __init__(
        self,
        kind: Any,
        doc: str,
        examples: tuple[object, ...],
        *,
        default: object = None,
        schema_default: object = None,
        required: bool = False,
    ) -> None:
        self.kind, self.doc, self.examples = kind, doc, examples
        self.default, self.schema_default, self.required = default, schema_default, required


def required(kind: Kind[T] | Reader[T], doc: str = "", examples: tuple[object, ...] = ()) -> T:
    """A key that every table must have."""
    return cast(T, KeyField(kind, doc, examples, required=True))


def optional(
    kind: Kind[T] | Reader[T], doc: str = "", examples: tuple[object, ...] = (), *, schema_default: object = None
) -> T | None:
    """A key that may be missing, which its field tells by None."""
    return cast(T, KeyField(kind, doc, examples, schema_default=schema_default))


def defaulted(
    kind: Kind[T] | Reader[T],
    doc: str = "",
    examples: tuple[object, ...] = (),
    *,
    default: T,
    in_schema: bool = True,
) -> T:
    """A key that may be missing, and then means the same as its default."""
    written = list(default) if isinstance(default, tuple) else default
    return cast(T, KeyField(kind, doc, examples, default=default, schema_default=written if in_schema else None))


@dataclass_transform(frozen_default=True, kw_only_default=True)
def keyed(cls: type[V]) -> type[V]:
    """Make a class a value whose fields are the keys of a table; a `TypeError` for a key or a field without the other.

    Like any `frozen` value it can be made by its constructor too, which asks for what is `required`.
    """
    declared = {name: held for name, held in vars(cls).items() if isinstance(held, KeyField)}
    for name in cls.__annotations__.keys() ^ declared.keys():
        lacking = "a key without a field" if name in declared else "a field without a key"
        raise TypeError(f"{cls.__name__}.{name} is {lacking}")
    made: type[V] = frozen(cls, init=_init)
    for name, one in declared.items():
        one.key, one.set_on = name.replace("_", "-"), vars(made)[name].__set__
    made.__keys__ = {one.key: one for one in declared.values()}  # type: ignore[attr-defined]
    return made


def keys_of(cls: type) -> dict[str, KeyField]:
    """The keys of a table's class by their names, in the order declared."""
    keys: dict[str, KeyField] = vars(cls)["__keys__"]
    return keys


def value_of(cls: type[V], read: Mapping[str, object]) -> V:
    """The value of a table whose keys were read; a `TypeError` where one that is required was not."""
    made = cls.__new__(cls)
    _fill(made, read)
    return made


def _init(self: object, **fields: object) -> None:
    """The constructor of all tables; one compiled for each would take longer at every start than it saves."""
    _fill(self, {name.replace("_", "-"): held for name, held in fields.items()})
    for name in fields.keys() - vars(type(self)).keys():
        raise TypeError(f"{type(self).__name__} has no field {name!r}")


def _fill(made: object, read: Mapping[str, object]) -> None:
    for key, one in keys_of(type(made)).items():
        if key in read:
            one.set_on(made, read[key])
        elif one.required:
            raise TypeError(f"{type(made).__name__} needs {key}")
        else:
            one.set_on(made, one.default)
