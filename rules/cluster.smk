"""What submitted jobs ask a cluster for, from `cluster:` in the config. Nothing here decides a result."""


def cluster_resources(rule, gpu=0):
    """The resources of a submitted rule: all of `cluster:` in the config; time and memory grow with each attempt.

    What is None is not asked for. A resource is no trigger, and in local runs nobody limits these. `at_once` is limited
    by profiles/slurm alone: its executor runs the jobs of a group one after the other, so a group needs the time of all
    and the rest of one.
    """
    asked = STUDY.cluster.request(rule)
    return {
        "slurm_partition": asked.partition,
        "slurm_account": asked.account,
        "qos": asked.qos,
        "constraint": asked.constraint,
        "at_once": 1,
        "gpu": gpu or None,
        "gpu_model": asked.gpu_model if gpu else None,
        "runtime": lambda wildcards, attempt: STUDY.cluster.minutes_of(rule, attempt),
        "mem_mb": lambda wildcards, attempt: STUDY.cluster.memory_mb_of(rule, attempt),
    }


def measuring_resources():
    """The resources of a measurement: a node to itself; a Slurm target's own settings come before the cluster's."""

    def of_target(name, otherwise=None):
        return lambda wildcards: getattr(STUDY.targets[wildcards.target], name, None) or otherwise

    asked = cluster_resources("benchmark_target", gpu=1)
    return asked | {
        "slurm_partition": of_target("partition", asked["slurm_partition"]),
        "constraint": of_target("constraint", asked["constraint"]),
        "gpu": of_target("gpu"),
        "gpu_model": lambda wildcards: asked["gpu_model"] if of_target("gpu")(wildcards) else None,
        "slurm_extra": "--exclusive",
    }
