#include "format/record_check.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

namespace furrow::format {
namespace {

complaint check_extents(const std::vector<object_extent>& extents) {
  std::uint64_t end = 0;
  for (const object_extent& e : extents) {
    if (!well_formed(e.where)) {
      return "an extent is empty, too long or off its device";
    }
    if (e.object_block < end) {
      return "extents do not ascend";  // I4
    }
    if (e.object_block > object_blocks_max - e.where.blocks) {
      return "an extent is behind the last block that an object can have";
    }
    end = e.object_block + e.where.blocks;
  }
  return none;
}

complaint check_name(const std::string& name) { return name.size() <= name_bytes_max ? none : "the name is too long"; }

complaint check_extents_within(const std::vector<object_extent>& extents, std::uint64_t first, std::uint64_t end) {
  if (const complaint c = check_extents(extents)) {
    return c;
  }
  const bool inside = extents.empty() || (extents.front().object_block >= first &&
                                          extents.back().object_block + extents.back().where.blocks <= end);
  return inside ? none : "an extent outside the record's range";
}

}  // namespace

complaint check_attributes(const attribute_set& a) {
  if (a.link_target.size() > link_target_bytes_max) {
    return "the link target is too long";
  }
  return a.user.size() <= user_attribute_bytes_max ? none : "the user's attributes are too long";
}

complaint check(const publish_record& r) {
  if (r.object == 0 || !known(r.cls)) {
    return "no such object or class";
  }
  if (r.object_bytes > object_bytes_max || r.tail.size() > tail_bytes_max) {
    return "the object or its tail is too long";
  }
  if (const complaint c = check_extents(r.extents)) {
    return c;
  }
  std::uint64_t blocks = 0;
  for (const object_extent& e : r.extents) {
    blocks += e.where.blocks;
  }
  if (!r.sums.empty() && blocks != r.sums.size()) {
    return "not one sum a block";  // I4
  }
  return std::ranges::all_of(r.dropped, well_formed) ? none : "a dropped run is empty, too long or off its device";
}

complaint check(const tail_record& r) {
  if (r.object == 0) {
    return "no such object";
  }
  return r.from + r.bytes.size() <= tail_bytes_max ? none : "the tail is too long";  // I3
}

complaint check(const create_record& r) {
  if (r.object == 0) {
    return "no such object";
  }
  const complaint c = check_name(r.name);
  return c != none ? c : check_attributes(r.attributes);
}

complaint check(const remove_record& r) { return r.object != 0 ? none : "no such object"; }

complaint check(const rename_record& r) {
  if (r.object == 0 || r.object == r.replaced) {
    return "no such object, or it replaces itself";
  }
  return check_name(r.name);
}

complaint check(const attributes_record& r) {
  return r.object != 0 ? check_attributes(r.attributes) : "no such object";
}

complaint check(const zone_role_record& r) {
  if (!known(r.role) || !known(r.cls)) {
    return "no such role or class";
  }
  return r.ordinal == 0 || r.role == zone_role::metadata ? none : "an ordinal of a zone without groups";
}

complaint check(const zone_free_record&) { return none; }
complaint check(const batch_begin_record& r) { return r.records > 0 ? none : "an empty batch"; }
complaint check(const batch_end_record&) { return none; }

complaint check(const collection_record& r) {
  const bool action_known = r.action == collection_action::create || r.action == collection_action::quota ||
                            r.action == collection_action::drop;
  return action_known ? check_name(r.name) : "no such action";
}

complaint check(const drop_record& r) {
  if (r.object == 0 || r.ends > drop_end::range) {
    return "no such object or end";
  }
  return check_extents(r.extents);
}

complaint check(const punch_record& r) {
  if (r.object == 0) {
    return "no such object";
  }
  if (r.object_bytes > object_bytes_max || r.tail.size() > tail_bytes_max) {
    return "the object or its tail is too long";
  }
  if (r.first_block >= r.end_block || r.end_block > object_blocks_max) {
    return "an empty range, or one that ends behind the last block that an object can have";  // I6
  }
  if (r.more && !r.extents.empty()) {
    return "blocks both gone and doomed";  // I6
  }
  return check_extents_within(r.extents, r.first_block, r.end_block);
}

complaint check(const clone_record& r) {
  if (r.object == 0 || r.source == 0) {
    return "no such object";
  }
  if (r.object_bytes > object_bytes_max || r.tail.size() > tail_bytes_max) {
    return "the object or its tail is too long";
  }
  if (r.blocks > object_blocks_max || r.first_block > object_blocks_max - r.blocks ||
      r.source_block > object_blocks_max - r.blocks) {
    return "a range that ends behind the last block that an object can have";  // I6
  }
  if (r.object == r.source && r.first_block < r.source_block + r.blocks && r.source_block < r.first_block + r.blocks) {
    return "an object's blocks cloned over themselves";  // I6
  }
  if (!std::ranges::all_of(r.dropped, well_formed)) {
    return "a dropped run is empty, too long or off its device";
  }
  return check_extents_within(r.extents, r.first_block, r.first_block + r.blocks);
}

complaint check(const move_record& r) {
  if (!known(r.cls)) {
    return "no such class";
  }
  std::uint64_t blocks = 0, from_end = 0;
  std::vector<block_run> to;
  for (const moved_run& run : r.runs) {
    blocks += run.to.blocks;
    to.push_back(run.to);
    if (!well_formed(run.to) || !well_formed(block_run{run.from, run.to.blocks})) {
      return "a moved run is empty, too long or off its device";
    }
    if (run.names.empty()) {
      return "a moved run that nothing names";  // I7
    }
    if (run.from.raw() < from_end) {
      return "moved runs do not ascend, or overlap";  // I7
    }
    from_end = run.from.advanced(run.to.blocks).raw();
    const object_block* before = nullptr;
    for (const object_block& name : run.names) {
      if (name.object == 0) {
        return "no such object";
      }
      if (before != nullptr && std::tie(before->object, before->block) >= std::tie(name.object, name.block)) {
        return "the names of a moved run do not ascend";  // I7
      }
      before = &name;
      if (name.block > object_blocks_max - run.to.blocks) {
        return "a moved run is behind the last block that an object can have";
      }
    }
  }
  std::sort(to.begin(), to.end(),
            [](const block_run& a, const block_run& b) { return a.address.raw() < b.address.raw(); });
  for (std::size_t i = 1; i < to.size(); ++i) {
    if (to[i - 1].address.advanced(to[i - 1].blocks).raw() > to[i].address.raw()) {
      return "moved runs overlap where they went";  // I7
    }
  }
  return r.sums.empty() || blocks == r.sums.size() ? none : "not one sum a block";  // I7
}

}  // namespace furrow::format
