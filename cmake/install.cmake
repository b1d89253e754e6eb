# What `install` leaves for people who write adapters: the ABI header, a CMake package and a pkg-config file. Programs and
# adapters install themselves where they are built.
set(FB_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/front_bridge)
set(FB_CHANNELS_INSTALL_DIR ${FB_CHANNELS_DIR})

install(FILES include/front_bridge/channel.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/front_bridge COMPONENT devel)

configure_package_config_file(cmake/front_bridge-config.cmake.in front_bridge-config.cmake
  INSTALL_DESTINATION ${FB_CMAKE_DIR}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR FB_CHANNELS_INSTALL_DIR)
write_basic_package_version_file(front_bridge-config-version.cmake COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_BINARY_DIR}/front_bridge-config.cmake ${CMAKE_BINARY_DIR}/front_bridge-config-version.cmake
  DESTINATION ${FB_CMAKE_DIR} COMPONENT devel)

file(RELATIVE_PATH FB_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/front-bridge.pc.in front-bridge.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/front-bridge.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT devel)
