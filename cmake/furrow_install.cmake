# furrow_install(LIBRARIES ...)
#
# Installs what users of the installed libraries need: the CMake package `furrow` and, for each of LIBRARIES, a
# pkg-config file furrow-NAME.pc from cmake/furrow-NAME.pc.in. Both find their prefix from where they lie, so a tree can be moved.
# A static library needs its private dependencies when its user is linked: those are then required openly.
include_guard()
include(CMakePackageConfigHelpers)

function(furrow_install)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "LIBRARIES")
  set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/furrow")
  install(EXPORT furrow-targets NAMESPACE furrow:: DESTINATION "${package_dir}" COMPONENT furrow_development)
  configure_package_config_file(cmake/furrow-config.cmake.in furrow-config.cmake INSTALL_DESTINATION "${package_dir}"
    NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(furrow-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/furrow-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/furrow-config-version.cmake"
    cmake/FindLibIsal.cmake cmake/FindLibUring.cmake cmake/FindLibZbd.cmake
    DESTINATION "${package_dir}" COMPONENT furrow_development)

  set(pc_private "")
  if(BUILD_SHARED_LIBS)
    set(pc_private "\nRequires.private: ")
  endif()
  file(RELATIVE_PATH pc_prefix "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
  foreach(name IN LISTS arg_LIBRARIES)
    configure_file(cmake/furrow-${name}.pc.in furrow-${name}.pc @ONLY)
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/furrow-${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
      COMPONENT furrow_development)
  endforeach()
endfunction()
