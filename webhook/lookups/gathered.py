"""Lookups over a set of objects that need not be all there are."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypeVar

from webhook.api import Claim, Missing, PersistentVolume, Service, StorageClass
from webhook.lookups.wire import Fragment, Object

_KINDS: Final[dict[type, str]] = {
    Claim: "PersistentVolumeClaim",
    PersistentVolume: "PersistentVolume",
    StorageClass: "StorageClass",
    Service: "Service",
}
_NEWEST: Final = "z"
"""Sorts after every timestamp: an object without one is yet to be created."""

T = TypeVar("T", Claim, PersistentVolume, StorageClass, Service)


class Gathered:
    """A `webhook.api.Lookups` over these objects; of two with one name the last counts.

    A set of manifests never is a cluster. So a missing object is absent only if others of its kind
    are here, in its namespace if the kind has namespaces: whoever ships claims beside a workload
    ships all of them, and a name that none has is probably mistyped. Else it is unknown, as in an
    empty set. An object without a namespace is found by a workload without one; where just one of
    the two has a namespace they may belong together, so the object is unknown, not absent. A
    `Fragment` is there, but unknown, unless the whole object is here, too.

    A list of a cluster is all there is: what is missing from it is absent.
    """

    def __init__(self, objects: Iterable[Object] = (), complete: Collection[str] = ()) -> None:
        """`complete` are the kinds of which all objects are here."""
        self._complete = frozenset(complete)
        self._tables: dict[str, _Table] = {kind: _Table() for kind in _KINDS.values()}
        for one in objects:
            kind = one.kind if isinstance(one, Fragment) else _KINDS[type(one)]
            self._tables[kind].add(one)

    def claim(self, namespace: str | None, name: str) -> Claim | Missing:
        """The PersistentVolumeClaim of that name."""
        return self._find(Claim, namespace, name)

    def volume(self, name: str) -> PersistentVolume | Missing:
        """The PersistentVolume of that name."""
        return self._find(PersistentVolume, None, name)

    def volumes(self) -> Sequence[PersistentVolume] | Missing:
        """Every PersistentVolume; UNKNOWN if they are not all here, or just a part of one is."""
        found = self._all(PersistentVolume)
        return Missing.UNKNOWN if found is None else found

    def storage_class(self, name: str) -> StorageClass | Missing:
        """The StorageClass of that name."""
        return self._find(StorageClass, None, name)

    def default_class(self) -> StorageClass | Missing:
        """The newest of the default classes, of several equally old ones the first by name.

        So it is in Kubernetes (pkg/volume/util `GetDefaultClass`).
        """
        classes = self._all(StorageClass)
        if classes is None:
            return Missing.UNKNOWN
        defaults = sorted((one for one in classes if one.is_default), key=lambda one: one.name)
        return max(defaults, key=lambda one: one.created or _NEWEST, default=Missing.ABSENT)

    def service(self, namespace: str | None, name: str) -> Service | Missing:
        """The Service of that name."""
        return self._find(Service, namespace, name)

    def _find(self, kind: type[T], namespace: str | None, name: str) -> T | Missing:
        table = self._tables[_KINDS[kind]]
        found = table.objects.get((namespace, name))
        if isinstance(found, kind):
            return found
        may_be_here = name in (table.placed if namespace is None else table.unplaced)
        may_be_elsewhere = _KINDS[kind] not in self._complete and namespace not in table.namespaces
        is_unknown = found is not None or may_be_here or may_be_elsewhere
        return Missing.UNKNOWN if is_unknown else Missing.ABSENT

    def _all(self, kind: type[T]) -> list[T] | None:
        """All of a kind; None if others may be elsewhere, or a part of one is all that is here."""
        objects = self._tables[_KINDS[kind]].objects.values()
        whole = [one for one in objects if isinstance(one, kind)]
        is_known = bool(whole) or _KINDS[kind] in self._complete
        return whole if is_known and len(whole) == len(objects) else None


class _Table:
    """The objects of one kind."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str | None, str], Object] = {}
        self.namespaces: set[str | None] = set()
        self.placed: set[str] = set()
        """Names of those that have a namespace."""
        self.unplaced: set[str] = set()

    def add(self, one: Object) -> None:
        """Take in an object; one without a name is none that anybody could ask for."""
        namespace = one.namespace if isinstance(one, Claim | Service | Fragment) else None
        if not one.name or (isinstance(one, Fragment) and (namespace, one.name) in self.objects):
            return
        self.objects[namespace, one.name] = one
        self.namespaces.add(namespace)
        (self.unplaced if namespace is None else self.placed).add(one.name)
