// Appends from callbacks: a chain of operations, with a deadline and what a failure concerned.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <furrow/engine/store.hpp>
#include <furrow/zoned/registry.hpp>
#include <iostream>
#include <memory>
#include <string>

namespace asio = boost::asio;
using furrow::error_code;

namespace {

/// Format, open, create, append, close: each step starts the next.
class appender : public std::enable_shared_from_this<appender> {
 public:
  appender(asio::io_context& context, std::string line) : context_(context), line_(std::move(line)) {}

  void start(std::unique_ptr<furrow::zoned::device> device) {
    furrow::store::async_format(context_, std::move(device), {.force = true},
                                [self = shared_from_this()](error_code e, std::unique_ptr<furrow::zoned::device> d) {
                                  if (self->good(e, "format")) self->open(std::move(d));
                                });
  }
  [[nodiscard]] bool succeeded() const { return succeeded_; }

 private:
  void open(std::unique_ptr<furrow::zoned::device> device) {
    furrow::store::async_open(context_, std::move(device), {},
                              [self = shared_from_this()](error_code e, furrow::store s) {
                                self->store_ = std::move(s);
                                if (self->good(e, "open")) self->create();
                              });
  }
  void create() {
    store_.async_create("log", [self = shared_from_this()](error_code e, const furrow::object& log) {
      if (self->good(e, "create")) self->append(log);
    });
  }
  void append(const furrow::object& log) {
    using namespace std::chrono_literals;
    log.with({.deadline = furrow::in(5s), .detail = &why_})
        .async_append(asio::buffer(line_), {.level = furrow::durability::durable},
                      [self = shared_from_this()](error_code e, const furrow::append_result& at) {
                        if (!self->good(e, "append")) return;
                        std::cout << at.bytes << " bytes at " << at.offset_bytes << " are durable\n";
                        self->close();
                      });
  }
  void close() {
    store_.async_close([self = shared_from_this()](error_code e, std::unique_ptr<furrow::zoned::device>) {
      self->succeeded_ = self->good(e, "close");
    });
  }
  bool good(error_code e, const char* step) {
    if (e) std::cerr << step << ": " << e.message() << ' ' << why_.what << '\n';
    return !e;
  }

  asio::io_context& context_;
  std::string line_;
  furrow::store store_;
  furrow::error_detail why_;
  bool succeeded_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  auto device = furrow::zoned::open(argc > 1 ? argv[1] : "memory:?size=64M&zone_size=1M");
  if (!device) {
    std::cerr << device.error().what << '\n';
    return 1;
  }
  asio::io_context context;
  const auto all = std::make_shared<appender>(context, "a line that survives\n");
  all->start(std::move(*device));
  context.run();
  return all->succeeded() ? 0 : 1;
}
