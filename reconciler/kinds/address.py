"""From names on the way down to one word that says which object is meant."""

from __future__ import annotations

from dataclasses import dataclass, field


def _escape(name: str) -> str:
    return name.replace("%", "%25").replace("/", "%2F")


def _unescape(word: str) -> str:
    return word.replace("%2F", "/").replace("%2f", "/").replace("%25", "%")


@dataclass(frozen=True, slots=True, order=True, init=False)
class Address:
    """A kind and the names on the way down to one object: ``Network/campus/web-shop/front``."""

    kind: str
    names: tuple[str, ...]
    _hash: int = field(init=False, repr=False, compare=False)

    # Several are made of every object there is, and everything is looked up by address, forty times
    # for each that is declared: what a dataclass makes of these three is twice as slow.
    def __init__(self, kind: str, names: tuple[str, ...]) -> None:
        _SET_KIND(self, kind)
        _SET_NAMES(self, names)
        _SET_HASH(self, hash((kind, names)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Address):
            return NotImplemented
        return self.names == other.names and self.kind == other.kind

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what ``str`` wrote.

        Raises:
            ValueError: there is no kind or no name in it.

        """
        kind, *words = text.split("/")
        if not kind or not words or not all(words):
            raise ValueError(f"{text!r} is no address: Kind/name/…")
        return cls(kind, tuple(_unescape(word) for word in words))

    @property
    def name(self) -> str:
        return self.names[-1] if self.names else ""

    def __str__(self) -> str:
        return "/".join((self.kind, *(_escape(name) for name in self.names)))


_SET_KIND, _SET_NAMES, _SET_HASH = (
    vars(Address)[name].__set__ for name in ("kind", "names", "_hash")
)
"""Of the slots themselves: nobody else can set them."""


@dataclass(frozen=True, slots=True, order=True)
class Id:
    """An id in the place of a reference whose object nobody listed: never equal to an address."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} with id {self.id}"
