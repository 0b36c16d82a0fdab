// Tells the drivers of an execution context when it is destroyed: what they have of it must go before.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <memory>
#include <mutex>
#include <vector>

namespace furrow::driver {

class driver;

class context_hook : public boost::asio::execution_context::service {
 public:
  using key_type = context_hook;
  static boost::asio::execution_context::id id;

  explicit context_hook(boost::asio::execution_context& context) : service(context) {}

  void add(std::weak_ptr<driver> d);
  /// Forgets those that are gone, or going.
  void remove(const driver* d);

 private:
  void shutdown() noexcept override;

  struct entry {
    const driver* which;
    std::weak_ptr<driver> alive;
  };
  std::mutex mutex_;
  std::vector<entry> drivers_;
};

}  // namespace furrow::driver
