// From a call of the public API to an operation in a driver.
#pragma once

#include <boost/asio/cancellation_type.hpp>
#include <memory>
#include <utility>

#include "driver/convert.hpp"
#include "driver/driver.hpp"
#include "driver/operation.hpp"

namespace furrow::driver {

template <class T, class Body>
typename handler_operation<T>::pointer make_operation(handler_for<T>&& h, Body&& request, const call_options& call) {
  return handler_operation<T>::make(std::move(h), std::in_place_type<std::decay_t<Body>>, call,
                                    std::forward<Body>(request));
}

/// Ends what no driver accepts; `on`: where the handler is called if it has no executor of its own.
inline void refuse(operation_ptr o, const asio::any_io_executor& on, error_code why, std::string what = {}) {
  ending e;
  e.error = why;
  e.detail.what = std::move(what);
  o->end(std::move(e));
  deliveries::send(std::move(o), on);
}

/// Ends what has no driver.
[[gnu::noinline]] inline void refuse(operation_ptr o) {
  refuse(std::move(o), asio::require(asio::system_executor(), asio::execution::blocking.never), errc::closed);
}

[[gnu::noinline]] inline void connect(asio::cancellation_slot slot, const std::shared_ptr<driver>& d,
                                      core::operation_id id) {
  slot.assign([weak = std::weak_ptr(d), id](asio::cancellation_type type) {
    const auto alive = weak.lock();
    if (alive && type != asio::cancellation_type::none) alive->cancel(id, errc::cancelled);
  });
}

template <class T>
void start(const std::shared_ptr<driver>& d, std::unique_ptr<handler_operation<T>, destroy_operation> o) {
  if (!d) return refuse(std::move(o));
  o->request.id = d->next_id();
  // Before it is submitted: it may end on another thread from then on.
  if (o->has_slot() && o->kind == operation::role::ordinary) connect(o->slot(), d, o->id());
  d->submit(std::move(o));
}

}  // namespace furrow::driver
