// Runs one core on one executor with one device: the only code that owns any of these.
//
//   any thread:    submit, cancel, release, on_event, stop  -- put a note into the inbox, and see that a turn comes
//   in its turn: notes -> core; then until nothing moves, or handlers are to be called
//                    reap    device completions -> core
//                    admit   waiting appends -> core
//                    give    core's commands -> device; a refused suffix is kept, and offered again before others
//                    answer  core's notifications -> handlers
//                    rest    with nothing in flight, the core ticks
//                  then arm: wait for the device's descriptor only while it has commands in flight
//   after it, on the same thread: handlers without an executor of their own; what they start waits for all of them, and
//                  makes the next turn
//
// Invariants
//   I1  One thread at a time has the turn. Everything below "in its turn" happens there, or in abandon(), when nothing
//       runs any more.
//   I2  An operation is ended exactly once, and is out of the table before it is delivered.
//   I3  With nothing in flight there is no wait, no timer and no work guard: a store at rest wakes nobody, and its
//       executor's context may run out of work.
//   I4  The device is destroyed or given away before the core and the operations, whose memory its commands name.
//   I5  A note in the inbox, or a signal, has a turn coming: somebody has it, one is posted, or handlers are called
//       whose thread takes it next. What they start comes to the inbox when they have run, or before anything else that
//       any thread puts there: calls of which one happens before the other, on whatever threads, keep that order.
//   I6  Whatever throws in a turn (want of memory, in the first place) ends the store: what the core was in the middle of is
//       not known, so it is destroyed. Operations end with needs_reopen; the device is as after a loss of power.
//
// States of `phase_`
//   running    from the start; ends in
//   closing    by a close request: no new operations; those accepted before it go on
//   ended      by the answer to close, to format, or to an open that failed; by stop; by the end of the context; by I6
//
// Not here: which operations exist (store.cpp, object.cpp); decisions about any of them (core/).
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/core.hpp"
#include "driver/admission.hpp"
#include "driver/deadlines.hpp"
#include "driver/deliveries.hpp"
#include "driver/operation.hpp"
#include "driver/operation_table.hpp"
#include "driver/own_thread.hpp"
#include "driver/view_memory.hpp"
#include "furrow/engine/run_on.hpp"
#include "furrow/zoned/device.hpp"

namespace furrow {
struct map_options;
}

namespace furrow::driver {

class context_hook;

struct failed_map {
  error_code error;
  const char* what = "";
};

class driver : public std::enable_shared_from_this<driver> {
 public:
  /// Fails if the device's descriptor cannot be waited for on this executor; the device is then left where it was.
  [[nodiscard]] static result<std::shared_ptr<driver>> make(const run_on& where, std::unique_ptr<zoned::device>& device,
                                                            const store_options& options);
  [[nodiscard]] static asio::any_io_executor executor_for_handlers(const run_on& where);
  driver(const run_on& where, const store_options& options);
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;
  ~driver();

  [[nodiscard]] const asio::any_io_executor& handler_executor() const { return handler_executor_; }

  // -- any thread --
  [[nodiscard]] core::operation_id next_id() { return {next_id_.fetch_add(1, std::memory_order_relaxed)}; }
  /// Ends it with `busy` or `closed` if it cannot be accepted.
  void submit(operation_ptr o);
  void cancel(core::operation_id id, errc reason);
  void release(core::handle_id handle) noexcept;
  void on_event(std::function<void(const event&)> callback);
  [[nodiscard]] std::shared_ptr<view_memory> make_view(std::uint64_t bytes, const map_options& options,
                                                       failed_map& why);
  void unmap(std::uint64_t view);
  /// Ends everything as it is; on a thread of its own, waits for that.
  void stop();

  /// The context is being destroyed: handlers are destroyed uncalled.
  void abandon();

 private:
  using event_callback = std::function<void(const event&)>;
  enum class phase { running, closing, ended };

  struct cancel_note {
    core::operation_id id;
    errc reason{};
  };
  struct release_note {
    core::handle_id handle;
  };
  struct stop_note {};
  struct fetched_note {  ///< By the helper, of a source.
    core::operation_id id;
    std::uint64_t position = 0;
    error_code error;
    bool copied = false;
  };
  struct fill_note {
    std::shared_ptr<view_memory> memory;
    view_memory::page_range pages;
  };
  struct unmap_note {
    std::uint64_t view = 0;
  };
  struct free_aligned {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{view_memory::page_bytes}); }
  };
  struct fill {
    std::shared_ptr<view_memory> memory;
    view_memory::page_range pages;
    std::unique_ptr<std::byte, free_aligned> buffer;  ///< None of plain memory.
  };
  static constexpr std::uint64_t filling = std::uint64_t{1} << 62;  ///< In ids of fills.
  static constexpr std::uint64_t unheard = std::uint64_t{1} << 63;  ///< In ids of requests that nobody waits for.
  using note = std::variant<operation_queue, cancel_note, release_note, event_callback, stop_note, fetched_note,
                            fill_note, unmap_note>;

  [[nodiscard]] error_code start(std::unique_ptr<zoned::device>& device, const store_options& options);
  /// False if it has ended: the note is then left as it was.
  [[nodiscard]] bool leave(note&& n);
  void refuse(operation_ptr o, errc why);
  void schedule_locked();

  // -- turns --
  class caller_of_handlers;
  /// Takes the turn, unless somebody has it, who then looks again.
  void pump();
  void signal(bool driver::*which);
  void take_turns();
  void begin_turn_locked() noexcept;
  void post_pump_locked();
  [[nodiscard]] bool may_post_pump_locked() noexcept;
  [[nodiscard]] bool has_notes_locked() const { return !inbox_.empty() || device_signalled_ || timer_signalled_; }
  /// Ends the turn, or begins another one if there is cause.
  [[nodiscard]] bool stay(int turns);
  /// Ends the turn before handlers are called, and begins another one after them, unless somebody else does.
  void leave();
  [[nodiscard]] bool come_back(int turns);
  [[nodiscard]] bool handlers_are_here() const;
  /// What handlers have started, into the inbox.
  void take_over_locked();
  /// Behind all notes.
  [[nodiscard]] operation_queue& last_operations_locked();

  // -- in its turn --
  void turn();
  void break_down();  // I6
  void take(operation_queue& all);
  void take(operation_ptr o);
  void accept(operation& o);
  void take(const cancel_note& n);
  void take(const release_note& n);
  void take(event_callback& callback);
  void take(const stop_note& n);
  void take(const fetched_note& n);
  void take(fill_note& n);
  void take(const unmap_note& n);

  void run();
  [[nodiscard]] bool reap();
  [[nodiscard]] bool admit();
  [[nodiscard]] bool give();
  [[nodiscard]] bool answer();
  [[nodiscard]] bool rest();
  void arm();
  void wait_for_device();
  void set_timer();
  void deadlines_passed();

  [[nodiscard]] core::operation_id unheard_id() { return {next_id().value | unheard}; }
  void to_core(core::request&& r);
  void hand_over(operation& o);
  /// Of what the helper has a part in; false: the core has not.
  [[nodiscard]] bool begin_helped(operation& o);
  void need_source(core::operation_id id, std::uint64_t position);
  void have_fetched(const operation& o, std::uint64_t position, bool copying);
  void give_source(core::operation_id id, segment_list held, error_code e, bool copied);
  void help(std::function<void()> what);
  void mapped(core::operation_id id, std::uint64_t view);
  void populate(const operation& o, std::uint64_t from, std::uint64_t count);
  void end_helped(core::operation_id id, error_code why);
  void filled(const core::notification& n);
  void end_views();
  static void leave_from_helper(std::shared_ptr<driver> self, note&& n);
  void answer(core::notification& n);
  void answer(std::span<const core::io_answer> several);
  void end_early(core::operation_id id, errc reason);
  /// Out of the table, the admission and the deadlines.
  [[nodiscard]] operation_ptr withdraw(core::operation_id id);
  void forget(const operation& o);
  void finish(operation_ptr o, ending e);
  void tell(event e);
  void end();
  /// Leaves nothing that belongs to the context; the operations that were left come out.
  /// Takes no memory: it may be what lacks.
  [[nodiscard]] operation_queue tear_down(std::unique_ptr<zoned::device>& device);
  [[nodiscard]] bool device_at_rest() const { return in_flight_ == 0 && unsent_.empty(); }

  // Before everything else: executors below may point into it.
  std::shared_ptr<own_thread> thread_;
  std::shared_ptr<void> context_alive_;
  asio::any_io_executor handler_executor_;
  const std::uint32_t operations_max_;

  std::atomic<std::uint64_t> next_id_{1};
  std::atomic<std::uint32_t> operations_{0};
  std::atomic<operation*> newest_started_{nullptr};  ///< By a handler that is called between turns; owned.

  std::shared_ptr<std::atomic<std::uint64_t>> view_bytes_left_;
  std::mutex watch_mutex_;              ///< Of watch_.
  std::shared_ptr<fault_watch> watch_;  ///< When the first view is made.

  std::mutex mutex_;  ///< Of what follows, up to the next heading.
  std::vector<note> inbox_;
  bool pump_scheduled_ = false;
  bool in_turn_ = false;          ///< Somebody is.
  bool short_of_memory_ = false;  ///< The next turn is the last.
  bool device_signalled_ = false;
  bool timer_signalled_ = false;
  bool accepting_ = true;                          ///< Operations; false from close on.
  std::optional<asio::any_io_executor> executor_;  ///< None: ended.

  // In its turn.
  std::shared_ptr<own_thread> helper_;  ///< For what may wait; made when it is first needed.
  phase phase_ = phase::running;
  context_hook* hook_ = nullptr;
  std::unique_ptr<core::core> core_;
  std::unique_ptr<zoned::device> device_;
  std::optional<asio::posix::stream_descriptor> descriptor_;
  std::optional<asio::steady_timer> timer_;
  std::optional<deadlines::time_point> timer_at_;
  std::optional<asio::executor_work_guard<asio::any_io_executor>> work_;
  std::vector<note> notes_;
  operation_table table_;
  admission admission_;
  deadlines deadlines_;
  std::optional<core::operation_id> close_waiting_;  ///< For waiting appends to be admitted.
  std::vector<zoned::command> unsent_;
  zoned::command polled_;
  std::size_t in_flight_ = 0;
  std::map<std::uint64_t, fill> fills_;  ///< By id.
  bool waiting_ = false;                 ///< For the descriptor.
  bool opened_ = false;
  bool stirred_ = true;      ///< Something moved since the core's last tick.
  bool fed_ = true;          ///< The core was given something since it was last asked for all that it has.
  bool again_ = false;       ///< There is more to do, but others come first.
  bool late_ = false;        ///< The timer has passed.
  std::int64_t now_ns_ = 0;  ///< UTC, when the turn began.
  std::vector<zoned::completion> reaped_;
  deliveries deliveries_;
  operation_ptr last_;  ///< Ends this driver when the device is at rest, with:
  core::notification last_answer_;

  std::optional<asio::strand<asio::any_io_executor>> event_strand_;
  std::shared_ptr<event_callback> event_callback_;
  std::deque<event> kept_events_;
};

}  // namespace furrow::driver
