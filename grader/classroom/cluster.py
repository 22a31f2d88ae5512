"""Where a class is graded: this machine's cores, a cluster's scheduler, or a Slurm queue.

Workers say in Dask's resources what they can do: CPU for each correctness grading at a time, GPU 1
for the one device that is theirs. A grading asks for a CPU or for a share of a GPU, so that no
device waits for correctness; those that share a device take turns on it.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grader.classroom.grading import AT_ONCE, TIMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from distributed import Client

ALLOWED_FAILURES = 2
"""So many workers may die of a submission before it is reported: the third is the last."""

SLURM_CORES, SLURM_MEMORY = 8, "16GB"
"""Of a Slurm job, in which as many gradings work at a time: each takes less than 2 GB."""

CORES_A_GPU = 4
"""Kept for the gradings that share a device: a launch that waits for a core is slow. Half of them
wait for their turn."""

CONNECT_S = 10.0

NOWHERE = "127.0.0.1:0"
"""Dask insists on web servers: here they have no pages, and nobody outside can reach them."""


class ClusterError(Exception):
    """There is nothing to grade on; the message says why, and the next step."""


@dataclass(frozen=True)
class Where:
    """What was asked for.

    Attributes:
        workers: gradings of correctness at a time.
        gpus: devices to take times on; indices on this machine, or so many Slurm jobs.
        scheduler: "tcp://…", or "" for none.
        slurm: a Slurm queue, or "" for none.
    """

    workers: int
    gpus: tuple[str, ...] = ()
    scheduler: str = ""
    slurm: str = ""


@contextlib.contextmanager
def connect(where: Where, scratch: Path) -> Iterator[Client]:
    """A client of the workers, which end with it unless they belong to a scheduler of its own.

    Args:
        where: they work.
        scratch: a folder that workers of this process may use.

    Raises:
        ClusterError: the scheduler does not answer, or dask-jobqueue is not installed.
    """
    import dask  # noqa: PLC0415 - no other command needs it
    from distributed import Client  # noqa: PLC0415 - as dask

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    settings = {
        "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.worker.memory.target": False,  # nothing is kept on workers
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False,
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        if where.scheduler:
            try:
                client = stack.enter_context(Client(where.scheduler, timeout=CONNECT_S))
            except (OSError, ValueError) as error:
                raise ClusterError(
                    f"the scheduler {where.scheduler} does not answer ({error}): start one with "
                    "`dask scheduler`, and name the address that it prints"
                ) from error
            client.run_on_scheduler(_allow_failures, failures=ALLOWED_FAILURES)
        else:
            make = _slurm if where.slurm else _local
            cluster = stack.enter_context(make(where, scratch))
            client = stack.enter_context(Client(cluster))
        yield client


def capacity(client: Client, stage: str) -> int:
    """How many gradings of a stage the workers can do at a time; 0 while there are none."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    name = resource(client, stage)
    if name:
        able = [worker.get("resources", {}).get(name, 0) for worker in workers]
        most = [worker["nthreads"] for worker in workers]
        return sum(min(int(a * AT_ONCE[stage]), m) for a, m in zip(able, most, strict=True))
    return sum(worker["nthreads"] for worker in workers)


def resource(client: Client, stage: str) -> str:
    """What a grading of a stage asks of a worker; "" for nothing, where no worker names CPU."""
    if stage == TIMES:
        return "GPU"
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return "CPU" if any("CPU" in worker.get("resources", {}) for worker in workers) else ""


def _allow_failures(dask_scheduler: Any, failures: int) -> None:
    dask_scheduler.allowed_failures = failures


def _local(where: Where, scratch: Path) -> Any:
    """Workers in this process: each grading is a process of its own anyway."""
    from distributed import Scheduler, SpecCluster, Worker  # noqa: PLC0415 - as dask

    shared = {
        "memory_limit": 0,
        "protocol": "inproc://",
        "dashboard": False,
        "dashboard_address": NOWHERE,
        "local_directory": str(scratch),
    }
    able = {f"cpu-{number}": {"CPU": 1} for number in range(where.workers)}
    able |= {f"gpu-{device}": {"GPU": 1} for device in where.gpus}
    workers = {
        name: {
            "cls": Worker,
            "options": {
                **shared,
                "resources": resources,
                "nthreads": AT_ONCE[TIMES] if "GPU" in resources else 1,
            },
        }
        for name, resources in able.items()
    }
    scheduler = {"protocol": "inproc://", "dashboard": False, "dashboard_address": NOWHERE}
    return SpecCluster(
        workers=workers,
        scheduler={"cls": Scheduler, "options": scheduler},
        silence_logs=logging.CRITICAL,
        name="class",
    )


def _slurm(where: Where, scratch: Path) -> Any:
    """Jobs of a Slurm queue, each with some cores, and one GPU where times are wanted."""
    try:
        from dask_jobqueue import SLURMCluster  # noqa: PLC0415 - for Slurm alone
    except ImportError as error:
        raise ClusterError(
            f"--slurm needs dask-jobqueue: {sys.executable} -m pip install dask-jobqueue"
        ) from error
    free = SLURM_CORES - CORES_A_GPU if where.gpus else SLURM_CORES
    share = CORES_A_GPU / AT_ONCE[TIMES]  # of the device: all would leave correctness no thread
    resources = f"CPU={free},GPU={share:g}" if where.gpus else f"CPU={free}"
    cluster = SLURMCluster(
        queue=where.slurm,
        cores=SLURM_CORES,
        processes=1,
        memory=SLURM_MEMORY,
        python=sys.executable,
        job_extra_directives=["--gres=gpu:1"] if where.gpus else [],
        worker_extra_args=["--resources", resources],
        local_directory=str(scratch),
    )
    cluster.scale(jobs=len(where.gpus) or -(-where.workers // SLURM_CORES))
    return cluster
