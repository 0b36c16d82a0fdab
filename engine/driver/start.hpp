// From a call of the public API to an operation in a driver.
#pragma once

#include <boost/asio/cancellation_type.hpp>
#include <memory>
#include <utility>

#include "driver/convert.hpp"
#include "driver/driver.hpp"
#include "driver/operation.hpp"

namespace furrow::driver {

template <class T>
using handler_for = asio::any_completion_handler<void(error_code, T)>;

template <class T>
std::unique_ptr<handler_operation<T>> make_operation(handler_for<T> h, core::request_body request,
                                                     const call_options& call) {
  return std::make_unique<handler_operation<T>>(std::move(h), std::move(request), call);
}

/// Ends what has no driver.
inline void refuse(std::unique_ptr<operation> o, errc why, std::string what = {}) {
  ending e;
  e.error = why;
  e.detail.what = std::move(what);
  o->finish(std::move(e));
}

template <class T>
void start(const std::shared_ptr<driver>& d, std::unique_ptr<handler_operation<T>> o) {
  if (!d) return refuse(std::move(o), errc::closed);
  o->id = d->next_id();
  // Before it is submitted: it may end on another thread from then on.
  if (auto slot = o->slot(); slot.is_connected() && o->kind == operation::role::ordinary) {
    slot.assign([weak = std::weak_ptr(d), id = o->id](asio::cancellation_type type) {
      const auto alive = weak.lock();
      if (alive && type != asio::cancellation_type::none) alive->cancel(id, errc::cancelled);
    });
  }
  d->submit(std::move(o));
}

}  // namespace furrow::driver
