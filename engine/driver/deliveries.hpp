// Operations that have ended, on their way to the executors of their handlers.
//
// Those whose handlers have no executor of their own go to the store's; there, if it is the caller's, the driver calls
// them between its turns, one after the other, in the order of their ends. Each other one goes to its own.
//
// Invariants
//   I1  Each handler is called once, or destroyed uncalled if its executor's context ends before.
//   I2  A handler that throws keeps none of the others from being called.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/intrusive/slist.hpp>
#include <utility>

#include "driver/operation.hpp"

namespace furrow::driver {

class deliveries {
 public:
  deliveries(asio::any_io_executor to_store, bool one_by_one)
      : to_store_(std::move(to_store)), one_by_one_(one_by_one) {}
  deliveries(const deliveries&) = delete;
  deliveries& operator=(const deliveries&) = delete;
  ~deliveries();

  using list = boost::intrusive::slist<operation, boost::intrusive::base_hook<delivery_hook>,
                                       boost::intrusive::cache_last<true>, boost::intrusive::constant_time_size<false>>;

  void add(operation_ptr o) {
    if (one_by_one_ || o->executor() != nullptr) return send(std::move(o), to_store_);
    waiting_.push_back(*o.release());
  }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  /// Those that are to be called on this thread.
  [[nodiscard]] list take() { return std::exchange(waiting_, {}); }
  /// Calls them; if one throws, the rest are posted.
  void call(list all);

  /// Sends one that has ended.
  static void send(operation_ptr o, const asio::any_io_executor& otherwise);

 private:
  class call_all;

  asio::any_io_executor to_store_;
  bool one_by_one_;
  list waiting_;
};

}  // namespace furrow::driver
