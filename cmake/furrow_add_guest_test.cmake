# furrow_add_guest_test(NAME NAME [KERNEL 6.12] OPTIONS ... COMMAND ... [PROGRAMS TARGET-OR-FILE ..] [TIMEOUT SECONDS])
#
# A CTest "guest: NAME" that runs COMMAND (a shell line, or a program and its arguments) by ci/zguest in a guest with the
# devices of OPTIONS. Targets among PROGRAMS are built first and are in the guest's PATH. Nothing may be skipped: status 77 fails, too.
include_guard()

function(furrow_add_guest_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;KERNEL;TIMEOUT" "OPTIONS;COMMAND;PROGRAMS")
  if(NOT arg_KERNEL)
    set(arg_KERNEL 6.12)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 180)
  endif()
  set(programs "")
  foreach(program IN LISTS arg_PROGRAMS)
    if(TARGET ${program})
      set(program "$<TARGET_FILE:${program}>")
    endif()
    list(APPEND programs --with "${program}")
  endforeach()
  add_test(NAME "guest: ${arg_NAME}"
    COMMAND "${PROJECT_SOURCE_DIR}/ci/zguest" --kernel ${arg_KERNEL} --timeout ${arg_TIMEOUT} ${arg_OPTIONS} ${programs} -- ${arg_COMMAND})
  math(EXPR limit "${arg_TIMEOUT} + 30")
  set_tests_properties("guest: ${arg_NAME}" PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT ${limit})
endfunction()
