"""`keyed`: a frozen value with one field for each key of a table in a file.

The field ``build_options`` is the key ``build-options``. Its default in the class defines the values of the key, its
documentation, and the value of the field if the key is missing. Only `value_of` converts values by key to fields; from
there on, type checkers know the type of each.
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
        """For type checkers only."""
        return lambda decorator: decorator


class Kind(Generic[T]):
    """The values that a key of a file written by people may have, and the ``T`` they are read as.

    All kinds are in `manifest.kinds`.
    """

    def read(self, value: object, path: Any, problems: Any) -> T | None:
        """The value as ``T``; or None, after its errors were added to ``problems``."""
        raise NotImplementedError


# The same for a key of a file that provision itself writes: raises `ValueError` with the rest of a sentence.
Reader = Callable[[Any], T]


class KeyField:
    """One key of a table: the kind of its values, its documentation, and the field that it becomes.

    ``default`` is the value of the field if the key is missing, ``schema_default`` how the JSON schema gives it, in
    the terms of the file; None if the schema gives none.
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
    """A key that may be missing; its field is None then."""
    return cast(T, KeyField(kind, doc, examples, schema_default=schema_default))


def defaulted(
    kind: Kind[T] | Reader[T],
    doc: str = "",
    examples: tuple[object, ...] = (),
    *,
    default: T,
    in_schema: bool = True,
) -> T:
    """A key that may be missing, which means the same as its default."""
    written = list(default) if isinstance(default, tuple) else default
    return cast(T, KeyField(kind, doc, examples, default=default, schema_default=written if in_schema else None))


@dataclass_transform(frozen_default=True, kw_only_default=True)
def keyed(cls: type[V]) -> type[V]:
    """Make a class a value whose fields are the keys of a table; a `TypeError` for a key or a field without the other.

    The constructor takes the fields by name, and needs those of keys that are `required`.
    """
    declared = {name: default for name, default in vars(cls).items() if isinstance(default, KeyField)}
    for name in cls.__annotations__.keys() ^ declared.keys():
        mistake = "a key without a field" if name in declared else "a field without a key"
        raise TypeError(f"{cls.__name__}.{name} is {mistake}")
    made: type[V] = frozen(cls, init=_init)
    for name, key_field in declared.items():
        key_field.key, key_field.set_on = name.replace("_", "-"), vars(made)[name].__set__
    made.__keys__ = {key_field.key: key_field for key_field in declared.values()}  # type: ignore[attr-defined]
    return made


def keys_of(cls: type) -> dict[str, KeyField]:
    """The keys of a table by their names, in the order of its class."""
    keys: dict[str, KeyField] = vars(cls)["__keys__"]
    return keys


def value_of(cls: type[V], read: Mapping[str, object]) -> V:
    """Make a table of the values read by key; a `TypeError` if a required one is missing."""
    made = cls.__new__(cls)
    _set_fields(made, read)
    return made


def _init(self: object, **fields: object) -> None:
    """The constructor of all tables; compiling one for each would take longer at every start than it saves."""
    _set_fields(self, {name.replace("_", "-"): value for name, value in fields.items()})
    for name in fields.keys() - vars(type(self)).keys():
        raise TypeError(f"{type(self).__name__} has no field {name!r}")


def _set_fields(made: object, read: Mapping[str, object]) -> None:
    for key, key_field in keys_of(type(made)).items():
        if key in read:
            key_field.set_on(made, read[key])
        elif key_field.required:
            raise TypeError(f"{type(made).__name__} needs {key}")
        else:
            key_field.set_on(made, key_field.default)
