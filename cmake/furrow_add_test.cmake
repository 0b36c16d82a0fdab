# furrow_add_test(NAME SOURCES ... [DEPS ...] [LABELS ...])
#
# A doctest program NAME; each of its cases becomes a CTest of its own. Status 77 means skipped.
include(doctest)
add_library(furrow_test_main OBJECT "${PROJECT_SOURCE_DIR}/tests/main.cpp")
target_link_libraries(furrow_test_main PUBLIC doctest::doctest)
target_compile_features(furrow_test_main PUBLIC cxx_std_20)
function(furrow_add_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:furrow_test_main>)
  target_link_libraries(${name} PRIVATE ${arg_DEPS} doctest::doctest furrow_warnings)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  doctest_discover_tests(${name} TEST_PREFIX "${name}: " PROPERTIES LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77 TIMEOUT 300)
endfunction()
