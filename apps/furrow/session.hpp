// A store as a command uses it: opened by URI, every failure an exception with its line, closed at the end.
//
// Invariants
//   I1  close() is how a command that changed something ends: what could not be made durable is reported there.
//   I2  Left without close() (by an exception), the store is closed all the same; only its errors are lost, since there
//       is one to report already.
#pragma once

#include <string>

#include "failure.hpp"
#include "furrow/engine/blocking.hpp"
#include "furrow/zoned/error.hpp"

namespace furrow::cli {

/// `live` is read-only, beside another process that may be writing.
enum class access { read_only, read_write, live };

[[nodiscard]] failure failure_of_device(const std::string& uri, const zoned::failure& why);
/// Opens a device by URI; throws failure. One that is in use is waited for, but not long.
[[nodiscard]] store::device_pointer open_device(const std::string& uri, access how);

/// The value, or a failure of THING.
template <class T>
[[nodiscard]] T take(outcome<T> from, std::string_view thing) {
  if (!from) throw make_failure(thing, from.error().code, from.error().detail);
  return std::move(*from);
}

class session {
 public:
  session(const std::string& uri, access how, store_options options = {});
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session();

  [[nodiscard]] const std::string& uri() const { return uri_; }
  [[nodiscard]] const blocking_store& blocking() const { return store_; }
  [[nodiscard]] const store& async() const { return store_.async(); }

  [[nodiscard]] blocking_object open_object(const std::string& name) const;
  /// All names that begin with the prefix, page by page, in order, until `call` answers false.
  template <class Call>
  void for_each_name(const std::string& prefix, Call&& call) const;

  void close();

 private:
  [[nodiscard]] list_page page_after(const std::string& prefix, const std::string& after) const;

  std::string uri_;
  blocking_store store_;
  bool open_ = false;
};

template <class Call>
void session::for_each_name(const std::string& prefix, Call&& call) const {
  std::string after;
  for (bool more = true; more;) {
    const list_page page = page_after(prefix, after);
    for (const list_entry& e : page.entries) {
      if (!call(e)) return;
    }
    more = page.more && !page.entries.empty();
    if (more) after = page.entries.back().name;
  }
}

}  // namespace furrow::cli
