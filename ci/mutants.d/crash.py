"""Mutants of what makes things durable in the right order, and of moves: each must be found by the states that are left of
small workloads."""
RECLAIM = "engine/core/reclaimer.cpp"
JOURNAL = "engine/core/journal.cpp"
CHECKPOINT = "engine/core/checkpoint.cpp"
REFERENCES = "engine/core/back_references.cpp"
RECOVERY = "engine/core/recovery.cpp"

SMALL = ["whatever is left of a small workload*"]
CLEANER = ["wherever the cleaner is cut*"]


def mutant(why, file, find, replace, cases):
    return Mutant(why, file, find, replace, "crash_parts", cases)  # noqa: F821 - given by ci/mutants


def sings(canary):
    return f"FURROW_CANARY_SINGS({canary})"


MUTANTS = [
    mutant("a zone is reset before the record that frees it is durable", RECLAIM, sings("reset_before_durable"), "true", CLEANER),
    mutant("a move takes names that are not so any more", REFERENCES, sings("stale_moved"), "s.where.blocks > 0", CLEANER),
    mutant("a group is written without a flush before it", JOURNAL, sings("group_before_flush"), "true", SMALL),
    mutant("a group is acknowledged without a flush", JOURNAL, sings("durable_before_flush"), "true", SMALL),
    mutant("a superblock names pages that no flush covers", CHECKPOINT, sings("superblock_before_pages"), "true", SMALL),
]
