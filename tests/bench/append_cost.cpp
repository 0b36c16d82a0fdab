// What one append costs the engine: 4 KiB each, to one object, by callbacks, on a memory device, whose own cost is not
// counted.
//
//   append_cost [APPENDS] [DEPTH] [--reads | --writes] [--no-checksums] [--bytes N]
//
// Reads and writes are at places all over what was appended. Prints how often the engine asked the heap for memory in steady state. Under `valgrind --tool=callgrind
// --collect-atstart=no` it collects the engine's instructions of just these operations: the device's calls are outside.
//
// Not here: the bound and the checksum's share (append_cost_test.py).
#include <valgrind/callgrind.h>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <furrow/engine/store.hpp>
#include <furrow/zoned/registry.hpp>
#include <new>
#include <string_view>

namespace {

bool counting = false;
std::uint64_t allocations = 0;

void* allocate(std::size_t bytes, std::size_t alignment) {
  allocations += counting ? 1 : 0;
  void* const p = alignment == 0 ? std::malloc(bytes)
                                 : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc{};
  return p;
}

/// Not counted: the device's own work.
class uncounted {
 public:
  uncounted() : before_{counting} {
    if (before_) CALLGRIND_TOGGLE_COLLECT;
    counting = false;
  }
  ~uncounted() {
    counting = before_;
    if (before_) CALLGRIND_TOGGLE_COLLECT;
  }

 private:
  bool before_;
};

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

using namespace furrow;

/// Passes all on, uncounted.
class silent_device final : public zoned::device {
 public:
  explicit silent_device(std::unique_ptr<zoned::device> below) : below_{std::move(below)} {}
  [[nodiscard]] const zoned::geometry& shape() const noexcept override { return below_->shape(); }
  [[nodiscard]] const zoned::guarantees& promises() const noexcept override { return below_->promises(); }
  [[nodiscard]] std::size_t submit(std::span<const zoned::command> commands) override {
    const uncounted here;
    return below_->submit(commands);
  }
  [[nodiscard]] std::size_t reap(std::span<zoned::completion> out) override {
    const uncounted here;
    return below_->reap(out);
  }
  [[nodiscard]] int completion_fd() const noexcept override { return below_->completion_fd(); }
  void cancel(zoned::command_id id) noexcept override { below_->cancel(id); }
  [[nodiscard]] std::string name() const override { return below_->name(); }

 private:
  std::unique_ptr<zoned::device> below_;
};

constexpr std::size_t block_bytes = 4096;

struct caller {
  object to;
  std::byte* memory = nullptr;
  std::size_t operation_bytes = block_bytes;
  std::uint64_t left = 0;
  std::uint64_t places = 0;  ///< Of reads and writes; 0: appends.
  bool writes = false;
  std::uint64_t turn = 0;
  bool failed = false;

  void next() {
    if (left == 0 || failed) return;
    --left;
    if (places == 0) {
      to.async_append(
          asio::buffer(memory, operation_bytes),
          asio::bind_allocator(asio::recycling_allocator<void>{}, [this](error_code e, const append_result&) {
            failed = failed || e;
            next();
          }));
    } else if (const std::uint64_t place = (++turn * 7919) % places; writes) {
      to.async_write(place * operation_bytes, asio::buffer(memory, operation_bytes),
                     asio::bind_allocator(asio::recycling_allocator<void>{}, [this](error_code e, const write_result&) {
                       failed = failed || e;
                       next();
                     }));
    } else {
      to.async_read(place * operation_bytes, asio::buffer(memory, operation_bytes),
                    asio::bind_allocator(asio::recycling_allocator<void>{}, [this](error_code e, std::uint64_t) {
                      failed = failed || e;
                      next();
                    }));
    }
  }
  bool run(asio::io_context& context, std::uint64_t operations, int depth) {
    left = operations;
    for (int i = 0; i < depth; ++i) next();
    context.run();
    context.restart();
    return !failed;
  }
};

template <class Value>
Value await(asio::io_context& context, std::future<Value> f) {
  context.run();
  context.restart();
  return f.get();
}

}  // namespace

int main(int count, char** values) {
  std::uint64_t operations = 20'000;
  int depth = 32, numbers = 0;
  bool reads = false, checksums = true;
  caller c;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = values[i];
    if (word == "--reads") {
      reads = true;
    } else if (word == "--writes") {
      c.writes = true;
    } else if (word == "--no-checksums") {
      checksums = false;
    } else if (word == "--bytes" && i + 1 < count) {
      c.operation_bytes = std::strtoull(values[++i], nullptr, 10);
    } else if (numbers++ == 0) {
      operations = std::strtoull(values[i], nullptr, 10);
    } else {
      depth = std::atoi(values[i]);
    }
  }
  asio::io_context context{1};
  auto memory = zoned::open("memory:?size=1G&zone_size=16M");
  auto device = await(context, store::async_format(context, std::make_unique<silent_device>(std::move(*memory)),
                                                   {.force = true, .checksums = checksums}, asio::use_future));
  const store on = await(context, store::async_open(context, std::move(device), {}, asio::use_future));
  c.to = await(context, on.async_create("a", asio::use_future));
  c.memory = static_cast<std::byte*>(std::aligned_alloc(block_bytes, c.operation_bytes));
  std::memset(c.memory, 7, c.operation_bytes);
  if (!c.run(context, operations, depth)) return 1;
  static_cast<void>(
      await(context, on.async_sync(asio::use_future)));  // groups of the journal go round, and their memory
  if (reads || c.writes) {
    c.places = operations;
    if (!c.run(context, operations, depth)) return 1;
  }
  counting = true;
  CALLGRIND_TOGGLE_COLLECT;
  const bool held = c.run(context, operations, depth);
  CALLGRIND_TOGGLE_COLLECT;
  counting = false;
  const statistics s = await(context, on.async_statistics(asio::use_future));
  std::printf("{\"operations\": %llu, \"allocations\": %llu, \"data_commands\": %llu, \"bios\": %llu}\n",
              static_cast<unsigned long long>(operations), static_cast<unsigned long long>(allocations),
              static_cast<unsigned long long>(s.data_commands), static_cast<unsigned long long>(s.bios));
  static_cast<void>(await(context, on.async_close(asio::use_future)));
  std::free(c.memory);
  return held ? 0 : 1;
}
