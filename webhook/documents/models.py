"""Profile and Exemption as they are written: the shapes, and the words that editors show."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from webhook.api.described import Described

LABEL: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A DNS-1123 label (RFC 1123, k8s.io/apimachinery util/validation `IsDNS1123Label`)."""
LABEL_IN_WORDS: Final = (
    "lower case letters, digits and -, at most 63, with a letter or a digit at each end"
)
WORKLOAD: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*([-.]?\*)?$"
"""A DNS-1123 subdomain, which a `*` may follow."""
BLANK: Final = r"\S"
"""Not only white space."""

Label = Annotated[str, Field(pattern=LABEL)]
NotBlank = Annotated[str, Field(pattern=BLANK)]


class Model(Described):
    """Base: camelCase, nothing unknown."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


def _off(value: Any) -> Any:
    """YAML 1.1 reads a bare `off` as false."""
    return "off" if value is False else value


_Bare = BeforeValidator(_off)


class RuleSettings(Model):
    """What one named rule of a policy does."""

    action: Annotated[Literal["deny", "warn", "audit", "off"], _Bare]
    """Instead of the policy's own action."""


class PolicySettings(Model):
    """How a profile uses one policy."""

    action: Annotated[str | None, _Bare] = None
    """deny, warn, audit or off; of a fill: fill, suggest or off. Inherited if absent."""
    on_failure: Literal["deny", "allow"] | None = None
    """If the policy itself crashes; otherwise the profile's."""
    kinds: Annotated[list[str], Field(min_length=1)] | None = None
    """The kinds it judges; all that it knows if absent."""
    rules: dict[str, RuleSettings] = Field(default_factory=dict)
    """Actions of named rules."""
    params: dict[str, Any] = Field(default_factory=dict)
    """The policy's parameters; what is absent is inherited, or the policy's default."""


class ProfileSpec(Model):
    """What a profile says."""

    extends: str | None = None
    """The one parent: maps merge by key, lists replace."""
    max_action: Literal["deny", "warn", "audit"] | None = None
    """Ceiling for deny, warn and audit, and for onFailure; fills go on."""
    on_failure: Literal["deny", "allow"] | None = None
    """What happens to a review if a policy crashes on it."""
    policies: dict[str, PolicySettings] = Field(default_factory=dict)
    """By policy id; a policy named nowhere is off."""


class ProfileMetadata(Model):
    """Its name."""

    name: Label
    """A DNS-1123 label: it becomes a part of a URL and the value of a namespace label."""


class ProfileDocument(Model):
    """A Profile: which policies are on, with which action and params."""

    api_version: Literal["podworthy.dev/v1alpha1"]
    kind: Literal["Profile"]
    metadata: ProfileMetadata
    spec: ProfileSpec


class ExemptWorkload(Model):
    """The one workload that is excused."""

    namespace: Label
    """Its namespace, exactly."""
    kind: str
    """Pod, StatefulSet, Deployment, ...: the pods of its controllers are reached, too."""
    name: Annotated[str, Field(pattern=WORKLOAD)]
    """Its name, exactly; only of a Pod it may end in `*`, which stands for any end."""


class ExemptionSpec(Model):
    """Who is excused from what, why, by whom, until when."""

    policies: Annotated[list[str], Field(min_length=1)]
    """Ids of policies; there is no wildcard."""
    workload: ExemptWorkload
    containers: Annotated[list[NotBlank], Field(min_length=1)] | None = None
    """Only these containers, and volumes that only they mount; everything if absent."""
    reason: NotBlank
    """Why, for whoever reads a report."""
    owner: NotBlank
    """Who answers for it."""
    granted: date
    """The first day, in UTC."""
    expires: date
    """The last day, in UTC; at most 180 days after `granted`."""


class ExemptionMetadata(Model):
    """Its name."""

    name: Label
    """A DNS-1123 label, unique among exemptions."""


class ExemptionDocument(Model):
    """An Exemption: which workload is excused from which policies, why, by whom, until when."""

    api_version: Literal["podworthy.dev/v1alpha1"]
    kind: Literal["Exemption"]
    metadata: ExemptionMetadata
    spec: ExemptionSpec
