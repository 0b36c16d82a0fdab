#include "session.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include "furrow/zoned/registry.hpp"
#include "interrupt.hpp"

namespace furrow::cli {

namespace {

/// The kernel keeps a device for a killed process until what that had in flight has ended.
constexpr std::chrono::milliseconds in_use_patience{1000};

}  // namespace

failure failure_of_device(const std::string& uri, const zoned::failure& why) {
  // A device's line names the thing itself.
  return why.what.empty() ? make_failure(uri, why.code) : failure{why.what};
}

store::device_pointer open_device(const std::string& uri, access how) {
  zoned::open_options options;
  options.read_only = how != access::read_write;
  options.beside_writer = how == access::live;
  const auto patience_ends = std::chrono::steady_clock::now() + in_use_patience;
  for (;;) {
    auto opened = zoned::open(uri, options);
    if (opened) return std::move(*opened);
    const bool passing = opened.error().code == zoned::errc::in_use && std::chrono::steady_clock::now() < patience_ends;
    if (!passing) throw failure_of_device(uri, opened.error());
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

session::session(const std::string& uri, access how, store_options options) : uri_{uri} {
  options.read_only = how != access::read_write;
  options.live = how == access::live;
  const interrupt::kept_from_new_threads kept;
  store_ = take(blocking_store::open(open_device(uri, how), options), uri);
  open_ = true;
}

session::~session() {
  if (open_) static_cast<void>(store_.close());
}

blocking_object session::open_object(const std::string& name) const { return take(store_.open_object(name), name); }

list_page session::page_after(const std::string& prefix, const std::string& after) const {
  list_query query;
  query.prefix = prefix;
  query.after = after;
  return take(store_.list(query), uri_);
}

void session::close() {
  if (!std::exchange(open_, false)) return;
  static_cast<void>(take(store_.close(), uri_));
}

}  // namespace furrow::cli
