# furrow_add_library(NAME SOURCES ... HEADERS ... [DEPS ...] [PRIVATE_DEPS ...])
#
# A library `furrow_NAME` with the alias furrow::NAME. HEADERS are the public ones, below include/.
function(furrow_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(furrow_${name} ${arg_SOURCES})
  add_library(furrow::${name} ALIAS furrow_${name})
  target_sources(furrow_${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  target_compile_features(furrow_${name} PUBLIC cxx_std_20)
  set_target_properties(furrow_${name} PROPERTIES CXX_EXTENSIONS OFF EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_link_libraries(furrow_${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS} $<BUILD_INTERFACE:furrow_warnings>)
endfunction()
