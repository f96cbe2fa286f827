// SPDX-License-Identifier: Apache-2.0
#include "dump_error.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sockdiag {
namespace {

// RestrictAddressFamilies= answers EAFNOSUPPORT (systemd.exec(5)), security modules EACCES,
// container engines' seccomp profiles EPERM.
constexpr std::array<std::pair<int, std::string_view>, 4> kHints = {
    {{EAFNOSUPPORT, "RestrictAddressFamilies= of the systemd unit has to name AF_NETLINK"},
     {EPROTONOSUPPORT, "this kernel, or a sandbox such as gVisor in its place, has no sock_diag"},
     {EPERM, "a seccomp profile or SystemCallFilter= refuses it: allow socket() with AF_NETLINK"},
     {EACCES,
      "SELinux or AppArmor refuses it: see the audit log, allow netlink_tcpdiag_socket or "
      "`network netlink`"}}};

}  // namespace

DumpRefused::DumpRefused(const std::string& doing, int error)
    : DumpError(doing + ": the kernel answered: " + std::generic_category().message(error)),
      error_(error) {}

std::string_view hint_at_refusal(int error) noexcept {
  for (const auto& [refused, hint] : kHints) {
    if (refused == error) return hint;
  }
  return {};
}

}  // namespace sockdiag
