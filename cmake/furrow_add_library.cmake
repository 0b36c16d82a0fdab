# furrow_add_library(NAME SOURCES ... [HEADERS ...] [DEPS ...] [PRIVATE_DEPS ...])
#
# A library `furrow_NAME` with the alias furrow::NAME. HEADERS are the public ones, below include/; they are verified to
# compile alone, and with FURROW_INSTALL they and the library are installed and exported. Static unless BUILD_SHARED_LIBS.
include_guard()

function(furrow_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS")
  set(target furrow_${name})
  add_library(${target} ${arg_SOURCES})
  add_library(furrow::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_link_libraries(${target} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS} $<BUILD_INTERFACE:furrow_warnings>)
  if(FURROW_INSTALL)
    install(TARGETS ${target} EXPORT furrow-targets
      RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT furrow_runtime
      LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT furrow_runtime NAMELINK_COMPONENT furrow_development
      ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT furrow_development
      FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT furrow_development)
  endif()
endfunction()
