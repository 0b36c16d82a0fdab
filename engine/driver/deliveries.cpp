#include "driver/deliveries.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace furrow::driver {

namespace {

/// One operation as a function; it is destroyed with the function.
struct call_one {
  operation_ptr o;
  void operator()() { o.release()->run(); }
};

}  // namespace

class deliveries::call_all {
 public:
  call_all(list all, asio::any_io_executor where) : all_(std::move(all)), where_(std::move(where)) {}
  call_all(call_all&& from) noexcept : all_(std::move(from.all_)), where_(std::move(from.where_)) {}
  call_all& operator=(call_all&&) = delete;
  ~call_all() { all_.clear_and_dispose(destroy_operation{}); }

  void operator()() { call(std::move(all_), where_); }

  static void call(list all, const asio::any_io_executor& where) {
    while (!all.empty()) {
      operation& o = all.front();
      all.pop_front();
      try {
        o.run();
      } catch (...) {
        if (!all.empty()) asio::post(where, call_all(std::move(all), where));  // I2
        throw;
      }
    }
  }

 private:
  list all_;
  asio::any_io_executor where_;
};

deliveries::~deliveries() { waiting_.clear_and_dispose(destroy_operation{}); }

void deliveries::call(list all) { call_all::call(std::move(all), to_store_); }

void deliveries::send(operation_ptr o, const asio::any_io_executor& otherwise) {
  const asio::any_completion_executor* const own = o->executor();
  if (own == nullptr) return asio::post(otherwise, call_one{std::move(o)});
  // It never runs its function at once (see erase), so a caller is not re-entered.
  const asio::any_completion_executor where = *own;
  asio::dispatch(where, call_one{std::move(o)});
}

}  // namespace furrow::driver
