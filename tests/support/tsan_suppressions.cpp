// The reference count of an exception_ptr is in the C++ library, which a thread sanitizer's build does not see into: it
// takes the last release for a race with a thread that has looked at the exception before. Asio's reference counts have a
// fence between the last release and the destruction, which a thread sanitizer does not know.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n"
         "race:boost::asio::execution::detail::shared_target_executor\n";
}
