"""A database does not keep its data in an emptyDir.

What it checks
    The volumeMounts of containers and native sidecars: an emptyDir (of any medium), or a volume
    without a source, which is one, is not mounted at a known data directory of a database or below
    it. Paths are compared by whole segments. A directory with a volume of another kind in it has a
    home for its data: what else is mounted there may be scratch space.

Why
    An emptyDir is deleted with its pod. A database in one starts well, passes every probe, and
    loses everything on the day its node is drained.

Bad
    containers:
    - name: db
      image: registry.example/postgres:18
      volumeMounts:
      - {name: data, mountPath: /var/lib/postgresql}
    volumes:
    - {name: data, emptyDir: {}}

Good
    containers:
    - name: db
      image: registry.example/postgres:18
      volumeMounts:
      - {name: data, mountPath: /var/lib/postgresql}
    volumes:
    - {name: data, persistentVolumeClaim: {claimName: data}}

Params
    dataDirectories: absolute paths; each matches itself and what is below it.

Limits
    A database whose data lives elsewhere is not recognised, nor one without any volume. /data,
    which is redis's, is a name too common to tell anything. A mount above a directory is not
    judged: container runtimes put a volume of their own over a directory that the image declares.
    Init and ephemeral containers are not asked. A database for tests may lose its data: exempt it.
"""

import posixpath
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from pydantic import Field

from webhook import api

# not storage: a file among them does not keep a database
_FILES = frozenset({"configMap", "secret", "downwardAPI", "projected", "image"})


class Params(api.Params):
    """What `ephemeral-data` takes."""

    data_directories: tuple[Annotated[str, Field(pattern="^/.")], ...] = (
        # VOLUME of the images' own Dockerfiles
        "/var/lib/postgresql",  # down to 17: /var/lib/postgresql/data
        "/var/lib/mysql",
        "/data/db",  # mongo
        "/var/lib/cassandra",
        "/opt/couchdb/data",
        "/var/lib/influxdb",
        "/var/lib/influxdb2",
        "/var/lib/clickhouse",
        "/var/lib/arangodb3",
        # where the images' documentation mounts a volume
        "/var/lib/pgsql",
        "/var/lib/mongodb",
        "/var/lib/etcd",
        "/var/opt/mssql",
        "/cockroach/cockroach-data",
        "/usr/share/elasticsearch/data",
        "/usr/share/opensearch/data",
        "/bitnami/postgresql",
        "/bitnami/mysql",
        "/bitnami/mariadb",
        "/bitnami/mongodb",
    )

    @cached_property
    def directories(self) -> tuple[str, ...]:
        """The data directories in the form of `_plain`."""
        return tuple(map(_plain, self.data_directories))


def check(workload: api.Workload, params: Params, lookups: api.Lookups) -> Iterator[api.Violation]:
    """One violation for each mount of scratch space where a database keeps its data."""
    volumes = list(workload.volumes_of_pods())
    scratch = {v.name for v in volumes if not v.sources or "emptyDir" in v.sources}
    if not scratch:
        return
    passing = scratch | {v.name for v in volumes if not _FILES.isdisjoint(v.sources)}
    for container in workload.may_have_probes():
        found = [(mount, _holding(mount, params.directories)) for mount in container.mounts]
        kept = {at for mount, of in found if mount.name not in passing for at in of}
        for index, (mount, of) in enumerate(found):
            if of and mount.name in scratch and kept.isdisjoint(of):
                yield api.Violation(
                    path=f"{container.path}/volumeMounts/{index}/mountPath",
                    subject=container.label,
                    fact=f"emptyDir at {mount.mount_path}",
                    why="is deleted with the pod",
                    fix="use a persistentVolumeClaim",
                )


def _holding(mount: api.Mount, directories: tuple[str, ...]) -> list[str]:
    """The data directories that a mount is, or is in."""
    path = _plain(mount.mount_path or "")
    if not path.startswith(directories):
        return []
    return [directory for directory in directories if path.startswith(directory)]


def _plain(path: str) -> str:
    """`/a/b/` for `//a/./b` and the like: prefixes are then whole segments."""
    return posixpath.normpath(f"/{path.lstrip('/')}") + "/"


policy = api.Policy(
    id="ephemeral-data",
    summary="a database does not keep its data in an emptyDir",
    params=Params,
    check=check,
    doc=__doc__,
)
