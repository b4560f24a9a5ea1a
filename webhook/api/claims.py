"""Claims as their authors write them: in a PersistentVolumeClaim, or in a template of one."""

from collections.abc import Mapping

import msgspec


class Requirement(msgspec.Struct, frozen=True, gc=False):
    """One condition of a label selector; an entry of `matchLabels` is `In` with one value."""

    key: str
    operator: str
    """`In`, `NotIn`, `Exists` or `DoesNotExist`; the API server lets in no other."""
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """True if the labels meet it (apimachinery pkg/labels `Requirement.Matches`)."""
        if self.operator == "In":
            return labels.get(self.key) in self.values
        if self.operator == "NotIn":
            return labels.get(self.key) not in self.values
        if self.operator == "Exists":
            return self.key in labels
        return self.operator == "DoesNotExist" and self.key not in labels


class ClaimSpec(msgspec.Struct, frozen=True):
    """What a claim asks for."""

    storage_class: str | None
    """None: nothing is said, the default class is meant. Empty: only volumes without a class."""
    access_modes: tuple[str, ...]
    request: int
    """Bytes; 0 if none is written, or something that is no quantity."""
    volume_mode: str
    """`Filesystem` or `Block`."""
    volume_name: str | None
    """The one PersistentVolume that is asked for."""
    selector: tuple[Requirement, ...]
    """All of them must be met; empty selects every volume."""
    attributes_class: str = ""
    """The VolumeAttributesClass that is asked for; empty for none."""


class ClaimTemplate(msgspec.Struct, frozen=True):
    """A claim that is made for each pod: of `volumeClaimTemplates`, or an `ephemeral` volume's."""

    path: str
    """JSON Pointer to the template; what is asked for is in `spec` below it."""
    name: str
    """Of the template, or of the volume."""
    spec: ClaimSpec

    @property
    def is_of_statefulset(self) -> bool:
        """True for one of `volumeClaimTemplates`."""
        return self.path.startswith("/spec/volumeClaimTemplates/")
