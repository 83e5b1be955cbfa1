"""A Dask cluster of this machine, which starts and answers though the machine be slow."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from extras import from_extra

if TYPE_CHECKING:
    from distributed import Client

PATIENT = {
    "distributed.comm.timeouts.connect": "120s",
    "distributed.comm.timeouts.tcp": "120s",
    # A call whose worker dies has failed, and is not run again elsewhere.
    "distributed.scheduler.allowed-failures": 0,
}


@contextmanager
def dask_cluster(workers: int) -> Iterator["Client"]:
    """Run a cluster; its workers are processes, and what earlier ones left behind is not theirs to tidy up."""
    distributed = from_extra("dask", "distributed")
    import dask

    with (
        tempfile.TemporaryDirectory(prefix="cml-dask-", ignore_cleanup_errors=True) as folder,
        dask.config.set(PATIENT),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # without one it takes port 8787, and warns where it is taken
            local_directory=folder,
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client
