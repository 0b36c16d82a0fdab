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


MUTANTS = [
    mutant("a zone is reset before the record that frees it is durable", RECLAIM,
           "c_.log->when_durable(c_.publish({body}), [this, &z]",
           "c_.log->when_durable((c_.publish({body}), std::uint64_t{0}), [this, &z]", CLEANER),
    mutant("a move takes names that are not so any more", REFERENCES,
           "if (s.where.address == c_.shape.address_of(zone, at))", "if (s.where.blocks > 0)", CLEANER),
    mutant("a group is written without a flush before it", JOURNAL,
           "if (!c_.promises.volatile_cache) return write_group();", "return write_group();", SMALL),
    mutant("a group is acknowledged without a flush", JOURNAL,
           "if (!c_.promises.volatile_cache) return acknowledge();", "return acknowledge();", SMALL),
    mutant("a superblock names pages that no flush covers", CHECKPOINT,
           "if (!c_.promises.volatile_cache) {\n      roles_durable_ = true;",
           "if (c_.promises.volatile_cache) {\n      roles_durable_ = true;", SMALL),
]
