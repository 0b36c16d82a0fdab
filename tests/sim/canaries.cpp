#include "sim/canaries.hpp"

namespace furrow::sim {
namespace {

using core::canary;

constexpr canary_row rows[]{
    {canary::durable_before_flush, "durable-before-flush", "durable is told when a flush has covered the group"},
    {canary::group_before_flush, "group-before-flush", "a group names data that a flush has covered"},
    {canary::landed_too_early, "landed-too-early", "a record names data that has landed"},
    {canary::sum_unverified, "sum-unverified", "what is read is what was written, or an error"},
    {canary::sum_stored_wrong, "sum-stored-wrong", "an error of checksums comes where damage is, nowhere else"},
    {canary::reset_before_durable, "reset-before-durable", "a zone is reset when nothing durable needs it"},
    {canary::reset_under_reader, "reset-under-reader", "a zone is not reset while a read is in it", 641},
    {canary::order_swapped, "order-swapped", "what is left is a prefix of the publications"},
    {canary::stale_moved, "stale-moved", "a move undoes no change"},
    {canary::place_assumed, "place-assumed", "where data landed is learned from the completion"},
    {canary::short_ignored, "short-ignored", "how much has landed is learned from the completion"},
    {canary::reference_uncounted, "reference-uncounted", "a shared block lives while anybody names it"},
    {canary::freed_twice, "freed-twice", "accounts agree with extents"},
    {canary::quota_unheld, "quota-unheld", "no collection has more than its quota"},
    {canary::epoch_unchecked, "epoch-unchecked", "what an open has disowned stays void", 901},
    {canary::torn_group_taken, "torn-group-taken", "a group is there whole or not at all"},
    {canary::superblock_before_pages, "superblock-before-pages", "a superblock names pages that a flush has covered"},
    {canary::superblock_unflushed, "superblock-unflushed", "the journal is cut when the superblock is durable"},
    {canary::journal_cut_too_far, "journal-cut-too-far", "the journal holds all that the trees do not"},
    {canary::tail_lost, "tail-lost", "the bytes behind the last whole block are as durable as others"},
    {canary::room_promised_twice, "room-promised-twice", "what is accepted finds room", 1, canary_cage::full},
    {canary::space_denied, "space-denied", "no_space is told of a full store alone"},
    {canary::error_swallowed, "error-swallowed", "a read that failed says so"},
};

}  // namespace

std::span<const canary_row> canaries() { return rows; }

}  // namespace furrow::sim
