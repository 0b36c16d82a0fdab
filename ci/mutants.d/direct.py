"""Mutants of the direct path: what a change comes to, how an attempt is made of it, and what it does to the trees."""
PLAN = "engine/core/direct_plan.cpp"
ATTEMPT = "engine/core/direct_attempt.cpp"
EDIT = "engine/core/extent_edit.cpp"
WRITER = "engine/core/direct_writer.cpp"
LOCK = "engine/core/range_lock.cpp"
APPLY = "engine/core/apply_edit.cpp"
READER = "engine/core/reader.cpp"
MACHINE = "engine/core/machine.cpp"
RECLAIM = "engine/core/reclaimer.cpp"

PLANS = ["a write puts its bytes there*", "zeros: whole blocks*", "a truncation keeps*", "a clone moves the end*"]
CUT = ["a range cut out of one extent*", "a range cut out of any layout*"]
SHARED = ["random writes* holes and clones leave every block*", "a range cut out of one extent*"]
LOCKS = ["ranges that overlap follow*", "one that waits is not overtaken*", "random ranges*"]
CANCELLED = ["a write that was cancelled in front of its source*"]
FAILING = ["each append of a write given in two parts*"]
RANDOM = ["random changes of objects*"]
DOOMED = ["while blocks of a hole are still to be dropped*"]
REFILLED = ["what is written into a large hole*"]


def mutant(why, file, find, replace, target, cases, pitfall=""):
    return Mutant(why, file, find, replace, target, cases, pitfall)  # noqa: F821 - given by ci/mutants


MUTANTS = [
    mutant("a write in the last block reads no old bytes", PLAN,
           "p.last = p.end_block - 1;", "static_cast<void>(p);", "core_edit", PLANS),
    mutant("a gap forgets the old tail", PLAN,
           "  p.kept_tail = now.bytes > now.tail_begin() && p.end.tail_begin() > now.tail_begin() &&\n"
           "                p.first_block * block_bytes > now.tail_begin();\n", "", "core_edit", PLANS),
    mutant("a truncation keeps the block that it ends in", PLAN,
           "  p.hole_first = p.end.tail_begin() / block_bytes;", "  p.hole_first = up(bytes);", "core_edit", PLANS),
    mutant("the back of a cut extent begins where the extent did", EDIT,
           "      x.address = s.cell.address.advanced(cut_end - s.cell_block);\n", "", "core_edit", CUT, "25"),
    mutant("the front of a cut extent keeps its length", EDIT,
           "      x.blocks = x.logical_blocks = static_cast<std::uint32_t>(front);\n", "", "core_edit", CUT, "10"),
    mutant("shared blocks die with the first that names them", EDIT,
           "const std::uint32_t dead = s.shared ? change_references(s.where, false).dead_blocks : s.where.blocks;",
           "const std::uint32_t dead = s.where.blocks;", "core_edit", SHARED),
    mutant("a clone's blocks are not counted", EDIT,
           "FURROW_CANARY_SINGS(reference_uncounted)", "true", "core_edit", SHARED),
    mutant("who waits is overtaken", LOCK,
           "  for (const ticket& w : waiting_) count += meets(w, first, end) ? 1u : 0u;\n", "", "core_edit", LOCKS),
    mutant("a write that waits for room is overtaken", WRITER,
           "const bool is_next = rooms_.empty() ||", "const bool is_next = true ||", "core_direct",
           ["a write that waits for room is not overtaken*"]),
    mutant("the rest of a write keeps its room", ATTEMPT,
           "    give_back(io, std::exchange(io.stash->reserved_blocks, 0));\n", "    io.stash->reserved_blocks = 0;\n", "core_direct",
           CANCELLED, "31"),
    mutant("the held memory is taken from its begin in each attempt", ATTEMPT,
           "  cursor.skip(from - io.held_from);\n  cursor.copy(to.subspan(from - begin, until - from));",
           "  cursor.copy(to.subspan(from - begin, until - from));", "core_direct", RANDOM, "19"),
    mutant("a write that failed goes on", WRITER,
           "  if (ec && !io.error && !c_.debug_no_split) {\n    io.error = ec;",
           "  if (ec && !io.error && c_.debug_no_split) {\n    io.error = ec;", "core_direct", FAILING, "2"),
    mutant("a hole reads as what was in memory", READER,
           "      std::memset(to.data(), 0, count);\n", "      static_cast<void>(count);\n", "core_direct", RANDOM),
    mutant("doomed blocks are read", READER,
           "  if (o.doomed && block >= o.doomed->first_block && block < o.doomed->end_block) {",
           "  if (false) {", "core_direct", DOOMED),
    mutant("the end of a doomed range is forgotten on disk", APPLY,
           "  if (r.ends != format::drop_end::more) c_.objects->erase(format::orphan_key(r.object));\n",
           "  if (r.ends == format::drop_end::object) c_.objects->erase(format::orphan_key(r.object));\n", "core_direct",
           REFILLED),
    mutant("a write is not looked at when its old bytes have come", MACHINE,
           "if (!was_read || checks || waits_for_reads() || direct_.progress() != changes) stir();",
           "if (!was_read || checks || waits_for_reads()) stir(); static_cast<void>(changes);", "core_direct",
           ["a write goes on when its old bytes have come*"]),
    mutant("a check's end is not looked at", MACHINE,
           "if (!was_read || checks || waits_for_reads() || direct_.progress() != changes) stir();",
           "if (!was_read || waits_for_reads() || direct_.progress() != changes) stir(); static_cast<void>(checks);",
           "core_direct", ["what waited for a check to end*"]),
    mutant("a long write outruns the journal", WRITER,
           "if (io.in_flight > 0 && journal_lags()) {", "if (io.in_flight > 1'000'000 && journal_lags()) {", "core_direct",
           ["a long write of short attempts*"]),
    mutant("a close drops nothing more for a write that waits", RECLAIM,
           "!c_.append->idle() || !c_.direct->idle() ||", "!c_.append->idle() ||", "core_direct",
           ["a close lets a write have the room*"]),
    mutant("a latch leaves what waits for doomed blocks", RECLAIM,
           "    if (object_state* o = c_.table->find(d.object)) c_.publish_queue->wake(*o);\n", "",
           "core_direct", ["what waits for doomed blocks*"]),
]
