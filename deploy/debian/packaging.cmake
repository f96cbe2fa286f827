# SPDX-License-Identifier: Apache-2.0

# What is installed, and the Debian package. From a release build:
#   cpack --config build/release/CPackConfig.cmake -B build/packages
# `cmake --install` leaves out the component "system": what belongs in /etc and to systemd is the
# package's business.

set(package sockdiag-exporter)
set(doc share/doc/${package})
set(data share/sockdiag_exporter)
set(generated ${PROJECT_BINARY_DIR}/debian)

# As Debian packages have it: the same bytes from every build.
function(sockdiag_gzip source name)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  execute_process(COMMAND gzip -9nc ${source} OUTPUT_FILE ${generated}/${name}
                  COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# A package of Debian 13 replaces one of Debian 12 when the host is upgraded.
cmake_host_system_information(RESULT distribution QUERY DISTRIB_ID)
cmake_host_system_information(RESULT release QUERY DISTRIB_VERSION_ID)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1~${distribution}${release})
set(version ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
set(maintainer "sockdiag_exporter developers <sockdiag@users.noreply.github.com>")

string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${generated}/changelog
"${package} (${version}) stable; urgency=medium

  * Version ${PROJECT_VERSION}: changelog.gz says what is new.

 -- ${maintainer}  ${now}
")
file(WRITE ${generated}/conffiles "/etc/default/sockdiag_exporter
/etc/sockdiag_exporter/sockdiag_exporter.yml
")
sockdiag_gzip(${generated}/changelog changelog.Debian.gz)
sockdiag_gzip(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog.gz)
foreach(program sockdiag_exporter sockdiag_opener)
  sockdiag_gzip(${CMAKE_CURRENT_LIST_DIR}/${program}.1 ${program}.1.gz)
  install(TARGETS ${program} RUNTIME DESTINATION bin)
  install(FILES ${generated}/${program}.1.gz DESTINATION share/man/man1)
endforeach()
install(FILES ${CMAKE_CURRENT_LIST_DIR}/sockdiag_exporter.bash
        DESTINATION share/bash-completion/completions RENAME sockdiag_exporter)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/copyright
              ${generated}/changelog.gz ${generated}/changelog.Debian.gz
        DESTINATION ${doc})
# In the folders of the repository, so that the links between them hold.
foreach(document README.md SECURITY.md config/README.md deploy/README.md deploy/prometheus/README.md
        deploy/prometheus/runbook.md deploy/page.png
        tests/bench/README.md tests/bench/results/established.svg)
  get_filename_component(folder ${document} DIRECTORY)
  install(FILES ${document} DESTINATION ${doc}/${folder})
endforeach()
install(DIRECTORY deploy/prometheus DESTINATION ${data}
        PATTERN *.md EXCLUDE PATTERN generate-alerts EXCLUDE)
install(PROGRAMS deploy/prometheus/generate-alerts DESTINATION ${data}/prometheus)
install(DIRECTORY deploy/grafana/dashboards deploy/grafana/provisioning
        DESTINATION ${data}/grafana)

install(FILES config/sockdiag_exporter.yml DESTINATION /etc/sockdiag_exporter
        COMPONENT system EXCLUDE_FROM_ALL)
install(FILES deploy/systemd/sockdiag_exporter.default DESTINATION /etc/default
        RENAME sockdiag_exporter COMPONENT system EXCLUDE_FROM_ALL)
install(FILES deploy/systemd/sockdiag_exporter.service deploy/systemd/sockdiag_opener.service
              deploy/systemd/sockdiag_opener.socket
        DESTINATION /usr/lib/systemd/system COMPONENT system EXCLUDE_FROM_ALL)
install(FILES deploy/systemd/sockdiag_opener.sysusers DESTINATION /usr/lib/sysusers.d
        RENAME sockdiag_opener.conf COMPONENT system EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL Unspecified system)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_SET_DESTDIR ON) # /etc is not below /usr
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT ${maintainer})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_PACKAGE_DESCRIPTION
"Counts the TCP sockets of the host from the kernel's own tables: which
service leaks connections in CLOSE_WAIT, which accept queue is full, where
ephemeral ports run out. It needs no privilege and no capability. Alert rules
and dashboards are included.")
set(CPACK_DEBIAN_PACKAGE_NAME ${package})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE https://github.com/sockdiag/sockdiag_exporter)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus, python3, python3-yaml") # for generate-alerts
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${generated}/conffiles
    ${CMAKE_CURRENT_LIST_DIR}/postinst
    ${CMAKE_CURRENT_LIST_DIR}/prerm
    ${CMAKE_CURRENT_LIST_DIR}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
