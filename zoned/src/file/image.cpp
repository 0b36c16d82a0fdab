// Opening, creating, checking and mapping a zone image.
#include "file/image.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "ensure.hpp"
#include "file/image_header.hpp"
#include "system_error.hpp"

namespace furrow::zoned {
namespace {

using enum zone_condition;

bool is_valid(zone_word word, const zone_info& zone, std::uint64_t lba_bytes) {
  const std::uint64_t pointer = word.write_pointer_bytes;
  if (pointer % lba_bytes != 0) return false;
  switch (word.condition) {
    case not_write_pointer:
      return zone.type == zone_type::conventional && pointer == 0;
    case empty:
      return zone.type == zone_type::sequential && pointer == 0;
    case closed:
      return zone.type == zone_type::sequential && pointer > 0 && pointer < zone.capacity_bytes;
    case full:
      return zone.type == zone_type::sequential && pointer == zone.capacity_bytes;
    case read_only:
    case offline:
      return pointer <= zone.capacity_bytes;
    case implicit_open:
    case explicit_open:
      return false;
  }
  return false;
}

}  // namespace

boost::system::result<image, failure> image::open(const uri& where, const open_options& options) {
  image i;
  i.path_ = std::string{where.path};
  i.read_only_ = options.read_only;
  if (i.path_.empty())
    return failure{errc::bad_uri, "device URI \"" + std::string{where.text} + "\": file: needs a path"};
  const auto given = parse_emulation(where);
  if (!given) return given.error();
  const bool may_create = !options.read_only && !where.parameters.empty();
  i.fd_ = unique_fd{
      ::open(i.path_.c_str(), (options.read_only ? O_RDONLY : O_RDWR) | (may_create ? O_CREAT : 0) | O_CLOEXEC, 0644)};
  if (!i.fd_.is_open()) {
    const bool absent = errno == ENOENT && where.parameters.empty();
    return system_failure(errno, "cannot open " + i.path_ + (absent ? " (to create it, say file:PATH?size=..)" : ""));
  }
  i.beside_writer_ = options.read_only && options.beside_writer;
  if (::flock(i.fd(), (options.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_failure(errno, "cannot lock " + i.path_);
    if (!i.beside_writer_) return failure{errc::in_use, i.path_ + " is in use by another process"};
    i.is_written_ = true;
  } else if (i.beside_writer_) {
    static_cast<void>(::flock(i.fd(), LOCK_UN));  // nobody who wants to write is kept from it
  }
  struct ::stat status {};
  if (::fstat(i.fd(), &status) != 0) return system_failure(errno, "cannot examine " + i.path_);
  if (!S_ISREG(status.st_mode)) return failure{errc::bad_image, i.path_ + " is not a regular file"};
  if (status.st_size == 0 && may_create) {
    if (const error_code e = i.create(*given)) return failure{e, "cannot create " + i.path_ + ": " + e.message()};
  }
  if (auto loaded = i.load_header(where, *given); !loaded) return loaded.error();
  if (auto mapped = i.map(options.read_only); !mapped) return mapped.error();
  if (auto checked = i.check_zones(); !checked) return checked.error();
  if (!options.read_only) i.begin_session();
  i.choose_direct();
  return i;
}

image::image(image&& other) noexcept
    : path_{std::move(other.path_)},
      parameters_{other.parameters_},
      shape_{other.shape_},
      fd_{std::move(other.fd_)},
      direct_{other.direct_},
      read_only_{other.read_only_},
      beside_writer_{other.beside_writer_},
      is_written_{other.is_written_},
      was_interrupted_{other.was_interrupted_},
      session_begun_{other.session_begun_},
      mapped_{std::exchange(other.mapped_, nullptr)},
      mapped_bytes_{other.mapped_bytes_} {}

image::~image() {
  if (mapped_ == nullptr) return;
  if (session_begun_ && ::fdatasync(fd()) == 0) std::atomic_ref{*session()}.store(0, std::memory_order_release);
  ::munmap(mapped_, mapped_bytes_);
}

/// Header first, then the length: an image cut off in between has its header and nothing else, and is completed here.
error_code image::create(const emulation& parameters) {
  const auto header = encode_image_header(parameters);
  if (::pwrite(fd(), header.data(), header.size(), 0) != static_cast<ssize_t>(header.size())) {
    return {errno, boost::system::system_category()};
  }
  return {};
}

boost::system::result<void, failure> image::load_header(const uri& where, const emulation& given) {
  std::array<std::byte, image_header_bytes> header{};
  const ssize_t got = ::pread(fd(), header.data(), header.size(), 0);
  if (got < 0) return system_failure(errno, "cannot read " + path_);
  if (got != static_cast<ssize_t>(header.size())) return damaged("it is shorter than a header");
  const auto decoded = decode_image_header(header);
  if (!decoded) return damaged(decoded.error());
  parameters_ = *decoded;
  shape_ = parameters_.shape();
  if (const std::string differs = disagreement(where, given, parameters_); !differs.empty()) {
    return failure{errc::bad_uri, path_ + ": " + differs + "; leave the parameter out or name another file"};
  }
  const std::uint64_t expected = image_data_offset(shape_.zone_count) + shape_.bytes();
  struct ::stat status {};
  if (::fstat(fd(), &status) != 0) return system_failure(errno, "cannot examine " + path_);
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (bytes == image_header_bytes && !read_only_) {
    // The mapped table has its blocks from the start: a store to a hole of a full file system would kill the process.
    const std::uint64_t table_end = image_data_offset(shape_.zone_count);
    if (::fallocate(fd(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(table_end)) != 0 && errno != EOPNOTSUPP) {
      return system_failure(errno, "cannot make room for the zone table of " + path_);
    }
    if (::ftruncate(fd(), static_cast<off_t>(expected)) != 0) {
      return system_failure(errno, "cannot make " + path_ + " " + format_size(expected) + " bytes long");
    }
    return {};
  }
  if (bytes < expected) {
    return damaged("it is cut off: " + std::to_string(bytes) + " bytes of " + std::to_string(expected));
  }
  return {};
}

boost::system::result<void, failure> image::map(bool read_only) {
  mapped_bytes_ = image_data_offset(shape_.zone_count);
  void* const at = ::mmap(nullptr, mapped_bytes_, read_only ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
  if (at == MAP_FAILED) return system_failure(errno, "cannot map the zone table of " + path_);
  mapped_ = static_cast<std::byte*>(at);
  was_interrupted_ = std::atomic_ref{*session()}.load(std::memory_order_acquire) != 0;
  return {};
}

/// A table entry of zeros is a zone that has never been touched.
boost::system::result<void, failure> image::check_zones() const {
  for (const zone_info& zone : parameters_.zones()) {
    for (const zone_word word : {state(zone.index), flushed(zone.index)}) {
      if (is_valid(word, zone, parameters_.lba_bytes)) continue;
      return damaged("the state of zone " + std::to_string(zone.index.value) + " is not possible (condition " +
                     std::to_string(static_cast<int>(word.condition)) + ", write pointer " +
                     std::to_string(word.write_pointer_bytes) + ")");
    }
  }
  return {};
}

bool image::takes_back() const { return was_interrupted_ && parameters_.volatile_cache != 0; }

void image::begin_session() {
  session_begun_ = true;
  std::atomic_ref{*session()}.store(1, std::memory_order_release);
  if (!takes_back()) return;
  for (std::uint32_t i = 0; i < shape_.zone_count; ++i) set_state({i}, flushed({i}));
}

std::vector<zone_info> image::zones() const {
  std::vector<zone_info> all = parameters_.zones();
  for (zone_info& zone : all) {
    const bool past = takes_back() && read_only_ && !is_written_;  // a session that goes on has lost nothing
    const zone_word word = past ? flushed(zone.index) : state(zone.index);
    zone.condition = word.condition;
    zone.write_pointer_bytes = word.write_pointer_bytes;
  }
  return all;
}

/// Uses O_DIRECT if the file system reads one block into memory aligned to one block that way, else the page cache.
void image::choose_direct() {
  // The lock belongs to the open file, so the flag is set on it: a second open file could outlive it unlocked.
  const int flags = ::fcntl(fd(), F_GETFL);
  if (flags < 0 || ::fcntl(fd(), F_SETFL, flags | O_DIRECT) != 0) return;
  const std::size_t block = parameters_.lba_bytes;
  const std::unique_ptr<void, decltype(&std::free)> memory{std::aligned_alloc(2 * block, 2 * block), &std::free};
  ensure(memory != nullptr);
  void* const odd = static_cast<std::byte*>(memory.get()) + block;
  direct_ = ::pread(fd(), odd, block, static_cast<off_t>(file_offset({}))) == static_cast<ssize_t>(block);
  if (!direct_) ensure(::fcntl(fd(), F_SETFL, flags) == 0);
}

std::uint64_t image::file_offset(place at) const {
  return image_data_offset(shape_.zone_count) + at.zone.value * shape_.zone_bytes + at.offset_bytes;
}

failure image::damaged(const std::string& why) const {
  return {errc::bad_image, path_ + " is no usable zone image: " + why};
}

std::uint64_t* image::word_at(zone_index zone, std::size_t which) const {
  ensure(zone.value < shape_.zone_count);
  // The mapping begins on a page, and every word on a multiple of 8.
  return static_cast<std::uint64_t*>(static_cast<void*>(mapped_ + image_header_bytes)) + 2 * zone.value + which;
}

std::uint64_t* image::session() const {
  return static_cast<std::uint64_t*>(static_cast<void*>(mapped_ + image_session_offset));
}

zone_word image::load(zone_index zone, std::size_t which) const {
  const std::uint64_t raw = std::atomic_ref{*word_at(zone, which)}.load(std::memory_order_acquire);
  if (raw != 0) return zone_word::from_raw(raw);
  return {zone.value < parameters_.conventional_zones ? not_write_pointer : empty, 0};
}

void image::store(zone_index zone, std::size_t which, zone_word word) {
  ensure(!read_only_);
  std::atomic_ref{*word_at(zone, which)}.store(word.raw(), std::memory_order_release);
}

}  // namespace furrow::zoned
