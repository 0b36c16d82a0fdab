"""Mutants of the splitter, the map of what is in flight, and the ordered extent."""
SPLITTER = "engine/core/splitter.cpp"
MAP = "engine/core/in_flight_map.cpp"
MAP_HEADER = "engine/core/in_flight_map.hpp"
EXTENT = "engine/core/ordered_extent.cpp"
TARGET = "core_splitter"

GOLDEN = ["splits give the golden vectors*", "a split returns what lies before and behind*"]
LANDED = ["splits of a landed ordered extent*", "what has landed is split between its pieces only"]
EVERY = ["every offset*", "every split of a part of a split*"]
LANDED_EVERY = ["every split of what landed*", "every split of up to 6 pieces*"]
WALK = ["bios that*", "a gap that another writer made*", "pieces that arrive in reverse*", "what lies behind a zone*"]
CUTS = ["a cut takes as many whole blocks*", "the cuts of an ordered extent cover it once*"]
EXTRACT = ["a bio that is all of the stash*", "a shorter bio owns the front*", "the stash always is*"]
MEMORY = ["when any of its allocations fails*", "an extraction that is refused*"]
OVERLAP = ["what overlaps at either end*"]
FOUND = ["every block is found among parts*"]


def mutant(why, find, replace, cases, pitfall="", file=SPLITTER):
    return Mutant(why, file, find, replace, TARGET, cases, pitfall)  # noqa: F821 - given by ci/mutants


MUTANTS = [
    mutant("the front is taken from the place that the middle has moved to", "hand_over(part, e, 0, blocks);",
           "hand_over(part, e, blocks, blocks);", GOLDEN, "4, first half"),
    mutant("the rear lands twice the front too far", "  if (post > 0) move_back(e, *parts.post, post, last);\n",
           "  if (post > 0) move_back(e, *parts.post, post, last), parts.post->object_block += pre;\n", GOLDEN, "4, second half"),
    mutant("the blocks of a part are counted twice in the map", "      enter(*before);", "      enter(*before), blocks_ += before->blocks;",
           GOLDEN, "5", MAP_HEADER),
    mutant("the pinned entry of the rest begins where it began", "  e.pinned.object_block += blocks;\n", "", GOLDEN, "6"),
    mutant("the reservation address of the rest is where it was", "  e.pinned.reserved.number += blocks;\n", "", GOLDEN, "6"),
    mutant("the front is committed before there is memory for the rear",
           "  if ((pre > 0 && !parts.pre) || (post > 0 && !parts.post)) return",
           "  if (post > 0 && !parts.post && parts.pre) move_front(e, *parts.pre, pre, first);\n"
           "  if ((pre > 0 && !parts.pre) || (post > 0 && !parts.post)) return", MEMORY, "7"),
    mutant("the parts come to the map with nothing done about their being there",
           "  if (e.in_flight != nullptr) e.in_flight->put_beside(e, parts.pre.get(), parts.post.get());\n", "", GOLDEN, "7"),
    mutant("what failed is split", "  if (e.failed) return split_refusal::failed;\n", "", ["what has failed is not split"], "8"),
    mutant("a failure is tested by another flag", "  if (e.failed) return split_refusal::failed;",
           "  if (e.urgent) return split_refusal::failed;", ["class* urgency and owner*", "what has failed is not split"], "8"),
    mutant("a part of what has landed keeps the state of what has not", "  part.blocks_left = left;", "  part.blocks_left = blocks;",
           LANDED, "9"),
    mutant("the pinned entry does not shrink", "  e.pinned.blocks -= blocks;\n", "", GOLDEN, "10"),
    mutant("what is left to land does not shrink", "  e.blocks_left -= left;\n", "", GOLDEN, "10"),
    mutant("a cut ends inside a block", "std::uint64_t over = taken % block_bytes; over > 0;", "std::uint64_t over = 0; over > 0;",
           CUTS, "16"),
    mutant("the limit of an append is rounded up to blocks", "std::min(append_bytes_max / block_bytes, zone_blocks)",
           "std::min((append_bytes_max + block_bytes - 1) / block_bytes, zone_blocks)", ["a room is whole blocks*"], "16"),
    mutant("the room of the zone is forgotten", "std::min(append_bytes_max / block_bytes, zone_blocks)",
           "append_bytes_max / block_bytes", ["a room is whole blocks*"]),
    mutant("a stash that is submitted whole stays a stash", "    x.front.swap(stash);\n", "    x.front = stash;\n", EXTRACT, "22"),
    mutant("the stash becomes the front instead of the rest",
           "  if (e.in_flight != nullptr) e.in_flight->put_beside(e, x.front.get(), nullptr);\n",
           "  if (e.in_flight != nullptr) e.in_flight->put_beside(e, x.front.get(), nullptr);\n  x.front.swap(stash);\n", EXTRACT, "22"),
    mutant("pieces are in the order of their arrival", "if (pieces.empty() || pieces.back().object_block < p.object_block) return",
           "if (true) return", ["pieces that arrive in reverse*", "bios that landed in reverse*"], "30", EXTENT),
    mutant("the rear has the sums of the front", "copy_reserved(e.sums.data() + sums_kept, sums)", "copy_reserved(e.sums.data(), sums)",
           EVERY, "30"),
    mutant("the front has no reservation", "  part.reserved_blocks = reserved;\n", "", ["a reservation is split*"], "31"),
    mutant("the rest keeps the whole reservation", "  e.reserved_blocks -= reserved;\n", "", ["a reservation is split*"], "31"),
    mutant("the map looks only at the new one's begin",
           "(next != all_.end() && next->object_block - e.object_block < e.blocks)",
           "(next != all_.end() && next->object_block == e.object_block)", OVERLAP, "32", MAP),
    mutant("the map does not look at what begins before", "if (e.object_block - before.object_block < before.blocks) return false;",
           "if (e.object_block == before.object_block) return false;", OVERLAP, "32", MAP),
    mutant("a search does not look at parts", "  while (at != all.begin() && std::prev(at)->object_block >= object_block) --at;\n", "",
           OVERLAP + FOUND, "", MAP),
    mutant("what is with the data writer is split", "  if (e.bios_in_flight > 0) return split_refusal::in_progress;\n", "",
           ["what is with the data writer*", "what has landed in part*"]),
    mutant("what has landed in part is split", "return e.blocks_left > 0 ? split_refusal::partly_landed : split_refusal::none;",
           "return split_refusal::none;", ["what has landed in part*"]),
    mutant("nothing may be left in the middle", "post < e.blocks - pre;", "post <= e.blocks - pre;", ["a length that leaves no middle*"]),
    mutant("a split goes through a piece, at the front", "return p != e.pieces.end() && p->object_block == end;", "return true;",
           LANDED + LANDED_EVERY),
    mutant("a split goes through a piece, at the rear", "return p != e.pieces.end() && p->object_block == begin;", "return true;",
           LANDED + LANDED_EVERY),
    mutant("the rest reads the front's memory again", "  e.source.drop_front(c.segments);\n  e.source.front().data += c.bytes;\n",
           "  e.source.drop_front(c.segments);\n", EVERY),
    mutant("the front has memory of the rest", "  if (c.bytes > 0) part.source.back().bytes = c.bytes;\n", "", EVERY),
    mutant("a part of a copy does not hold it", "    part.memory_of = &e;", "    part.memory_of = nullptr;", ["parts of a copy*"]),
    mutant("urgency is lost", "  part.urgent = e.urgent;\n", "", ["class* urgency and owner*"]),
    mutant("the owner is lost", "  part.owner = e.owner;\n", "", ["class* urgency and owner*"]),
    mutant("the walk merges over a gap in the zone",
           "         p.where.address == x.where.address.advanced(x.where.blocks) &&\n", "", WALK + ["the walk goes on over*"]),
    mutant("the walk merges over a gap in the object", "  return x.object_block + x.where.blocks == p.object_block &&\n", "  return\n",
           ["the walk goes on over*"]),
    mutant("the walk merges over the end of a zone",
           "         shape.zone_of(p.where.address) == shape.zone_of(x.where.address) &&\n", "", WALK),
    mutant("an extent grows over the longest", " &&\n         p.where.blocks <= format::extent_blocks_max - x.where.blocks;", ";",
           ["no extent grows over*"]),
    mutant("a block in too many pieces of memory is not told", "    segments = of_block > 0 ? 1 : 0;\n", "    segments = 0;\n",
           ["a block in more pieces*"]),
    mutant("what has gone still holds the memory of another", "  e->memory_of.reset();\n", "",
           ["parts of a copy*"], "", EXTENT),
]
