# furrow_add_test(NAME SOURCES ... [DEPS ...] [LABELS ...])
#
# A doctest program NAME; each of its cases becomes a CTest of its own. Status 77 means skipped. In a sanitizer's build
# the tests bear its name, so that several builds can run as one CTest.
#
# furrow_add_fuzzer(NAME SOURCES ... [DEPS ...] CORPUS DIR)
#
# With FURROW_BUILD_FUZZERS a libFuzzer program NAME, whose CTest runs the corpus and new inputs for a bounded time, from a seed
# that it prints. Else
# a program that runs the corpus alone.
include_guard()
include(doctest)

set(furrow_test_prefix "")
if(FURROW_SANITIZER)
  set(furrow_test_prefix "${FURROW_SANITIZER}: ")
endif()

add_library(furrow_test_main OBJECT "${PROJECT_SOURCE_DIR}/tests/main.cpp")
target_link_libraries(furrow_test_main PUBLIC doctest::doctest)
target_compile_features(furrow_test_main PUBLIC cxx_std_20)

function(furrow_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;LABELS")
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:furrow_test_main>)
  target_link_libraries(${name} PRIVATE ${arg_DEPS} doctest::doctest furrow_warnings)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  doctest_discover_tests(${name} TEST_PREFIX "${furrow_test_prefix}${name}: "
    PROPERTIES LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77 TIMEOUT 300)
endfunction()

set(FURROW_FUZZ_SECONDS 60 CACHE STRING "How long a fuzzer's CTest looks for new inputs")
# Clang's sanitizers look for a symbolizer of LLVM, which is a package of its own; binutils' will do.
find_program(FURROW_ADDR2LINE addr2line)
mark_as_advanced(FURROW_ADDR2LINE)
set(furrow_names_functions "ASAN_OPTIONS=external_symbolizer_path=${FURROW_ADDR2LINE}:allow_addr2line=1")

function(furrow_add_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;DEPS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} furrow_warnings)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  if(FURROW_BUILD_FUZZERS)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    # What is new goes to the build's own folder.
    file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/${name}.found")
    add_test(NAME "fuzz: ${name}" COMMAND ${name} -max_total_time=${FURROW_FUZZ_SECONDS} -max_len=8192 -timeout=20 -print_final_stats=1
      "${CMAKE_CURRENT_BINARY_DIR}/${name}.found" "${arg_CORPUS}")
    set_tests_properties("fuzz: ${name}" PROPERTIES LABELS fuzz TIMEOUT 600 ENVIRONMENT "${furrow_names_functions}")
  else()
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cpp")
    add_test(NAME "${furrow_test_prefix}corpus: ${name}" COMMAND ${name} "${arg_CORPUS}")
    set_tests_properties("${furrow_test_prefix}corpus: ${name}" PROPERTIES LABELS fuzz TIMEOUT 300)
  endif()
endfunction()
