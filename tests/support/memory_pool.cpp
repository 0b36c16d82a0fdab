// The operators new and delete of a simulator's program: memory comes off lists of pieces of one size, and goes back there.
// A simulation asks for some forty pieces an operation, and the heap took a tenth of its time.
//
// Layout
//   region      pages of 64 KiB, reserved at the first call and touched as they are used
//   page        pieces of one class, side by side from its start
//   class       16, 32 .. 1024 bytes; above, four lengths between a power of two and the next, up to 20 KiB
// What is larger, is to be aligned to more than piece_alignment_max, or comes when the region is used up, is the heap's, which
// keeps what it has had: given back to the system and had again, each page is cleared and faulted in once more.
//
// Invariants
//   M1  A piece lies in the region iff it is a pool's, and its page tells its class: giving it back needs no size.
//   M2  Pieces begin at multiples of their length in their page. So a length that is a multiple of the alignment is all that
//       an alignment asks for: it is that of a class, or less than one that is a multiple as well.
//
// Threads: one. Programs with a sanitizer, which has to see each piece, leave this out.
#include <malloc.h>
#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace furrow::test {
namespace {

constexpr std::size_t page_bytes = std::size_t{64} << 10;
constexpr std::size_t region_bytes = std::size_t{4} << 30;
constexpr int heap_kept_bytes = 1 << 30;
constexpr int heap_piece_bytes_max = 32 << 20;
constexpr std::size_t small_bytes_max = 1024;
constexpr std::size_t small_step_bytes = 16;
constexpr std::size_t small_classes = small_bytes_max / small_step_bytes;
constexpr std::size_t steps_of_power = 4;
constexpr std::size_t piece_bytes_max = 20 << 10;
constexpr std::size_t piece_alignment_max = 4096;

/// Of 1 .. piece_bytes_max bytes.
constexpr std::size_t class_of(std::size_t bytes) {
  if (bytes <= small_bytes_max) return (bytes - 1) / small_step_bytes;
  const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes <= 2^(power + 1)
  const std::size_t step = (std::size_t{1} << power) / steps_of_power;
  const std::size_t base = static_cast<std::size_t>(std::bit_width(small_bytes_max)) - 1;
  return small_classes + (power - base) * steps_of_power + (bytes - 1 - (std::size_t{1} << power)) / step;
}
constexpr std::size_t classes = class_of(piece_bytes_max) + 1;

constexpr std::size_t bytes_of(std::size_t of_class) {
  if (of_class < small_classes) return (of_class + 1) * small_step_bytes;
  const std::size_t power = small_bytes_max << (of_class - small_classes) / steps_of_power;
  return power + power / steps_of_power * ((of_class - small_classes) % steps_of_power + 1);
}
static_assert(bytes_of(class_of(1)) == 16 && bytes_of(class_of(1024)) == 1024 && bytes_of(class_of(1025)) == 1280);
static_assert(bytes_of(class_of(1280)) == 1280 && bytes_of(class_of(2048)) == 2048 && bytes_of(classes - 1) == 20480);

struct free_piece {
  free_piece* next;
};

// Set to zero before anything runs, and never destroyed: memory is asked for before main and given back behind it.
std::array<free_piece*, classes> free_pieces;
std::array<std::uint8_t, region_bytes / page_bytes> class_of_page;
std::byte* region;
std::size_t pages_used;

[[gnu::noinline]] void* from_heap(std::size_t bytes, std::size_t alignment) {
  if (alignment <= alignof(std::max_align_t)) return std::malloc(bytes == 0 ? 1 : bytes);
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

/// Cuts a page into pieces, and returns the first one.
[[gnu::noinline]] void* from_new_page(std::size_t of_class, std::size_t bytes) {
  if (region == nullptr) {
    ::mallopt(M_TRIM_THRESHOLD, heap_kept_bytes);
    ::mallopt(M_MMAP_THRESHOLD, heap_piece_bytes_max);
    void* const at =
        ::mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) std::abort();
    region = static_cast<std::byte*>(at);
  }
  if (pages_used == class_of_page.size()) return from_heap(bytes, piece_alignment_max);
  std::byte* const page = region + pages_used * page_bytes;
  class_of_page[pages_used++] = static_cast<std::uint8_t>(of_class);
  const std::size_t piece_bytes = bytes_of(of_class);
  for (std::size_t at = page_bytes / piece_bytes * piece_bytes - piece_bytes; at > 0; at -= piece_bytes)
    free_pieces[of_class] = ::new (page + at) free_piece{free_pieces[of_class]};
  return page;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (bytes == 0) bytes = 1;
  if (alignment > alignof(std::max_align_t)) bytes = (bytes + alignment - 1) / alignment * alignment;  // M2
  if (bytes > piece_bytes_max || alignment > piece_alignment_max) return from_heap(bytes, alignment);
  const std::size_t of_class = class_of(bytes);
  free_piece* const first = free_pieces[of_class];
  if (first == nullptr) return from_new_page(of_class, bytes);
  free_pieces[of_class] = first->next;
  __builtin_prefetch(first->next);  // who asks next need not wait for it
  return first;
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const p = allocate(bytes, alignment);
  if (p == nullptr) throw std::bad_alloc{};
  return p;
}

void give_back(void* p) noexcept {
  const auto offset =
      static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(region));
  if (offset >= region_bytes || region == nullptr) return std::free(p);
  const std::size_t of_class = class_of_page[offset / page_bytes];
  free_pieces[of_class] = ::new (p) free_piece{free_pieces[of_class]};
}

}  // namespace
}  // namespace furrow::test

void* operator new(std::size_t bytes) { return furrow::test::allocate_or_throw(bytes, 0); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return furrow::test::allocate(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t a) {
  return furrow::test::allocate_or_throw(bytes, static_cast<std::size_t>(a));
}
void* operator new(std::size_t bytes, std::align_val_t a, const std::nothrow_t&) noexcept {
  return furrow::test::allocate(bytes, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { furrow::test::give_back(p); }
void operator delete(void* p, std::size_t) noexcept { furrow::test::give_back(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { furrow::test::give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { furrow::test::give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { furrow::test::give_back(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { furrow::test::give_back(p); }
