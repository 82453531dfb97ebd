"""Runs in parallel, as joblib is told to: processes of this machine, or workers of dask or ray.

In: jobs. Out: their results, one by one as they are done, so that each can be kept at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from keras_vnn.experiments.comparison._runs import Job, Run, Shared, run_job

__all__ = ["parallel_runs"]


def parallel_runs(shared: Shared, work: Sequence[Job], jobs: int | None) -> Iterator[Run]:
    """Yield the results of jobs, in the order in which they come.

    Parameters
    ----------
    shared
        What they have in common.
    work
        The jobs.
    jobs
        How many at once; None for what a ``joblib.parallel_config`` says, or one.
    """
    from joblib import Parallel, delayed, effective_n_jobs
    from joblib.parallel import get_active_backend

    backend, configured = get_active_backend()
    asked = jobs if jobs is not None else configured if configured is not None else backend.default_n_jobs
    at_once = max(1, effective_n_jobs(asked))
    # Processes of this machine share its processors; what a cluster gives its workers is theirs.
    is_local = type(backend).__module__.startswith("joblib._parallel_backends")
    threads = max(1, (os.cpu_count() or 1) // at_once) if is_local and at_once > 1 else None
    # Not every backend hands out results as they come: then in portions, so that what is done is kept.
    yields = bool(getattr(backend, "supports_return_generator", False))
    step = max(1, len(work)) if yields else at_once
    for start in range(0, len(work), step):
        yield from Parallel(n_jobs=jobs, return_as="generator_unordered" if yields else "list", batch_size=1)(
            delayed(run_job)(shared, job, threads) for job in work[start : start + step]
        )
