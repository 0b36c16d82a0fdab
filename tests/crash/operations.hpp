// The kinds of operations that workloads are made of, what each asks of a store, and what the store holds after each of
// its publications.
//
// Operations are about few objects: "a", which most of them change and which is made if it is not there, "b", into which
// clones go, and "c", which "a" is renamed to. What they ask depends on what the store holds and on their place in the
// workload alone; payloads on seed, object and offset too.
//
// Invariants
//   I1  A workload's contents are those after 0, 1, .. publications, in their order, each object's as a whole.
//   I2  What was answered as durable, and all before it, is in `durable`.
//
// Not here: how a workload is cut (explorer.hpp).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "crash/contents.hpp"
#include "crash/session.hpp"

namespace furrow::crash {

enum class kind : std::uint8_t {
  append_small,
  append_blocks,
  append_many,
  append_durable,
  write_middle,
  write_unaligned,
  write_zeroes,
  punch,
  truncate,
  trim_front,
  clone,
  remove,
  rename,
  create,
  batch,
  attributes,
  collection,
  reserve,
  sync_object,
  sync_store,
  checkpoint,
  clean,
  reopen,
  sync_later,  ///< Asked, and not waited for: what follows is done beside it.
  checkpoint_later,
  clean_later,
  count
};
inline constexpr std::size_t kind_count = static_cast<std::size_t>(kind::count);

[[nodiscard]] const char* name_of(kind k);
[[nodiscard]] std::optional<kind> kind_named(std::string_view name);

class performer {
 public:
  performer(recorder& device, const store_options& options, std::uint64_t seed, contents start);

  void open();
  /// The operation at this place of the workload.
  void perform(kind k, std::uint64_t place);
  void settle() { session_->settle(); }
  void sync();
  /// For starting states.
  [[nodiscard]] object_id find_or_make(const std::string& name);  ///< 0: no space.
  void append_to(object_id id, std::uint64_t bytes, durability level);
  void write_to(object_id id, std::uint64_t offset_bytes, std::uint64_t bytes);
  void remove(const std::string& name);

  [[nodiscard]] const std::vector<contents>& states() const { return states_; }
  /// So many publications of states() are durable.
  [[nodiscard]] std::size_t durable() const { return durable_; }
  [[nodiscard]] statistics count();
  [[nodiscard]] session& store() { return *session_; }
  /// Refused for want of space: nothing of it is there.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

  [[nodiscard]] bool cleaning() const { return cleaning_; }

  /// Called when more is durable than was.
  std::function<void()> became_durable;

 private:
  [[nodiscard]] contents& now() { return states_.back(); }
  /// Another state, which is as the last one.
  contents& next();
  void all_durable(std::size_t states);
  void all_durable_later(core::request_body body);
  [[nodiscard]] core::handle_id handle_of(object_id id);
  object_id make(const std::string& name, collection_id in = default_collection);
  [[nodiscard]] object_id target() { return find_or_make("a"); }
  [[nodiscard]] std::vector<std::byte> payload(object_id id, std::uint64_t offset_bytes, std::size_t bytes) const;
  bool must(core::request_body body, const char* what);

  void zero(std::uint64_t offset_bytes, std::uint64_t bytes, bool extends);
  void truncate();
  void clone();
  void rename();
  void create();
  void batch();
  void set_attributes();
  void make_collection();
  void reserve();
  void clean();
  void reopen();
  void sync_object();

  recorder& device_;
  store_options options_;
  std::uint64_t seed_;
  std::uint64_t place_ = 0;
  std::int64_t now_ns_ = 1'700'000'000'000'000'000;
  std::unique_ptr<session> session_;
  std::vector<contents> states_;
  std::size_t durable_ = 0;
  std::uint64_t refused_ = 0;
  bool cleaning_ = false;
};

}  // namespace furrow::crash
