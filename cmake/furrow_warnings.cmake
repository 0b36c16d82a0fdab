# furrow_warnings: the warnings of every target of this project; never seen by users of the installed package.
add_library(furrow_warnings INTERFACE)
target_compile_options(furrow_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-qual -Wcast-align
  -Woverloaded-virtual -Wextra-semi -Wdouble-promotion -Wimplicit-fallthrough -Wundef -Wformat=2
  -Wswitch-enum -Wno-missing-field-initializers -Werror=unused-result)
