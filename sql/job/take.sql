SELECT idle_runs FROM observa_internal.jobs WHERE job = $1 FOR UPDATE SKIP LOCKED
