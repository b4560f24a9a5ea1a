"""The volumes of a pod: made once, and brought up to date after that."""

import time
from base64 import b64decode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.cluster.kubelet.api import Api, Json
from tests.cluster.kubelet.images import UnsupportedError
from tests.mounts import Mount

_MODE: Final = 0o644  # defaultMode, where none is given
_RENEW: Final = 0.8  # of a token's life


class NotThereError(Exception):
    """An object of which a volume is made."""


class Volumes:
    """Directories by the volumes' names, in one directory of the pod."""

    def __init__(self, api: Api, pod: Json, directory: Path) -> None:
        self._api = api
        self._pod = pod
        self._directory = directory
        self._mounts: dict[str, Mount] = {}
        self._written: dict[str, Mapping[str, str]] = {}
        self._tokens: dict[str, tuple[str, float]] = {}

    def path(self, name: str) -> Path:
        """Where a volume is."""
        return self._directory / name

    def sync(self) -> None:
        """Write what is new. NotThereError: an object is missing, or one of its keys."""
        for volume in self._pod["spec"].get("volumes", ()):
            self._sync(volume)

    def _sync(self, volume: Json) -> None:
        name = volume["name"]
        if name not in self._mounts:
            self.path(name).mkdir(parents=True)
            self._mounts[name] = Mount(self.path(name))
            if "emptyDir" in volume:
                self.path(name).chmod(0o777)
        if "emptyDir" in volume:
            return
        (kind,) = set(volume) - {"name"}
        files = self._files(kind, volume[kind])
        if files != self._written.get(name):
            self._mounts[name].write(files, volume[kind].get("defaultMode", _MODE))
            self._written[name] = files

    def _files(self, kind: str, source: Json) -> dict[str, str]:
        if kind == "secret":
            data = self._data("secrets", _secret(source), source)
            texts = {key: b64decode(value).decode() for key, value in data.items()}
            return _chosen(texts, source)
        if kind == "configMap":
            return _chosen(dict(self._data("configmaps", source["name"], source)), source)
        if kind == "projected":
            found: dict[str, str] = {}
            for one in source["sources"]:
                ((inner, what),) = one.items()
                found |= self._files(inner, what)
            return found
        if kind == "serviceAccountToken":
            return {source["path"]: self._token(source)}
        if kind == "downwardAPI":
            return {one["path"]: self._field(one) for one in source["items"]}
        raise UnsupportedError(f"volume {kind}")

    def _data(self, resource: str, name: str, source: Json) -> Mapping[str, str]:
        namespace = self._pod["metadata"]["namespace"]
        found = self._api.get(f"/api/v1/namespaces/{namespace}/{resource}/{name}")
        if found is None and not source.get("optional"):
            raise NotThereError(f'{resource} "{name}" not found')
        data: Mapping[str, str] = (found or {}).get("data") or {}
        return data

    def _field(self, item: Json) -> str:
        path = item["fieldRef"]["fieldPath"]
        if path != "metadata.namespace":
            raise UnsupportedError(f"downwardAPI {path}")
        return str(self._pod["metadata"]["namespace"])

    def _token(self, source: Json) -> str:
        path = source["path"]
        token, renew_at = self._tokens.get(path, ("", 0.0))
        if time.monotonic() < renew_at:
            return token
        seconds = source.get("expirationSeconds", 3600)
        metadata = self._pod["metadata"]
        account = self._pod["spec"]["serviceAccountName"]
        bound = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        audiences = [source["audience"]] if "audience" in source else []
        answer = self._api.create(
            f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token",
            {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {
                    "audiences": audiences,
                    "expirationSeconds": seconds,
                    "boundObjectRef": bound,
                },
            },
        )
        token = str(answer["status"]["token"])
        self._tokens[path] = token, time.monotonic() + seconds * _RENEW
        return token


def _secret(source: Json) -> str:
    """A volume and a projection call it by different keys."""
    return str(source["secretName"] if "secretName" in source else source["name"])


def _chosen(texts: Mapping[str, str], source: Json) -> dict[str, str]:
    items: Iterable[Json] = source.get("items") or [{"key": key, "path": key} for key in texts]
    found = {}
    for one in items:
        if "/" in one["path"] or "mode" in one:
            raise UnsupportedError(f"item {one}")
        if one["key"] not in texts:
            raise NotThereError(f"references non-existent secret or config key: {one['key']}")
        found[one["path"]] = texts[one["key"]]
    return found
