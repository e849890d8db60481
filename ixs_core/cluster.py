"""Workers of a dask cluster, for `ixs_core.jobs.parallel_map`."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ixs_core.errors import InputError, IxsError
from ixs_core.jobs import Workers

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_S = 10


@contextmanager
def cluster_workers(scheduler: str) -> Iterator[Workers]:
    """Connect to a scheduler, or start one here, for the length of the block.

    Parameters
    ----------
    scheduler : str
        "tcp://host:port", or "local:N" for N processes on this machine.

    Raises
    ------
    InputError
        When the name is neither, the scheduler does not answer, or dask is missing.
    """
    local = re.fullmatch(r"local:(\d+)", scheduler)
    if not (local and int(local[1]) > 0) and not re.fullmatch(r"tcp://.+:\d+", scheduler):
        raise InputError(
            "this names no scheduler",
            key="--scheduler",
            found=repr(scheduler),
            expected="tcp://host:port or local:N",
        )
    client = _local_client(int(local[1])) if local else _remote_client(scheduler)
    try:
        yield Workers(_threads_of(client), _submitter(client))
    except BaseException:
        # Taking processes down takes seconds that a cancelled caller need not wait.
        threading.Thread(target=_close, args=(client,)).start()
        raise
    _close(client)


def _local_client(count: int) -> Client:
    distributed = _import_distributed()
    cluster = distributed.LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )
    client = distributed.Client(cluster)
    client.wait_for_workers(count)
    return client


def _remote_client(address: str) -> Client:
    distributed = _import_distributed()
    try:
        client = distributed.Client(address, timeout=_CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise InputError(
            "no dask scheduler answers",
            key="--scheduler",
            found=address,
            hint="start one with `dask scheduler`, or use local:N",
        ) from error
    if not _threads_of(client):
        client.close()
        raise InputError(
            "the dask scheduler has no workers",
            key="--scheduler",
            found=address,
            hint=f"start some with `dask worker {address}`",
        )
    return client


def _import_distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            "a scheduler needs dask, which is not installed",
            key="--scheduler",
            hint="pip install 'ixs-suite[cluster]'",
        ) from error
    return distributed


def _threads_of(client: Client) -> int:
    return sum(client.nthreads().values())


def _submitter(client: Client) -> Callable[[Callable[[Any], Any], Any], Any]:
    # Not pure: equal items are separate work, as they are for threads.
    return lambda function, item: _Remote(client.submit(function, item, pure=False))


class _Remote:
    """A dask future whose failures of the cluster itself are errors of ours."""

    def __init__(self, future: Future) -> None:
        self._future = future

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._future.add_done_callback(callback)

    def cancel(self) -> None:
        self._future.cancel()

    def result(self) -> Any:
        from distributed import CancelledError, KilledWorker

        try:
            return self._future.result()
        except KilledWorker as error:
            raise IxsError(
                "workers died again and again on the same item, most likely for want of memory; "
                "use fewer workers"
            ) from error
        except CancelledError as error:
            raise IxsError("the connection to the dask scheduler was lost") from error


def _close(client: Client) -> None:
    cluster = client.cluster
    client.close()
    if cluster is not None:
        cluster.close()
