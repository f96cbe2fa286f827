// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/forbidden_calls.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace sockdiag {
namespace {

// Ends the process if its own code runs for more than a second of CPU time: libseccomp 2.5 may loop
// for ever where it had no memory, and takes 2 ms otherwise. Time in which the host is busy with
// something else does not count.
class CpuLimit {
 public:
  CpuLimit() noexcept {
    struct sigaction action {};
    action.sa_handler = leave;
    ::sigaction(SIGVTALRM, &action, &before_);
    set_seconds(1);
  }
  CpuLimit(const CpuLimit&) = delete;
  CpuLimit& operator=(const CpuLimit&) = delete;
  ~CpuLimit() {
    set_seconds(0);
    ::sigaction(SIGVTALRM, &before_, nullptr);
  }

 private:
  static void leave(int /*signal*/) {
    constexpr std::string_view kWhy =
        "sockdiag_exporter: cannot make the seccomp filter: libseccomp does not end, as happens "
        "without memory\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kWhy.data(), kWhy.size());
    ::_exit(EXIT_FAILURE);
  }

  static void set_seconds(time_t seconds) noexcept {
    const itimerval timer{.it_interval = {}, .it_value = {.tv_sec = seconds, .tv_usec = 0}};
    ::setitimer(ITIMER_VIRTUAL, &timer, nullptr);
  }

  struct sigaction before_ {};
};

constexpr auto kForbidden = std::to_array<std::string_view>({
    // Running a program.
    "execve",
    "execveat",
// Other processes. LeakSanitizer ptraces its own.
#ifndef __SANITIZE_ADDRESS__
    "ptrace",
#endif
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    // Namespaces and mounts.
    "unshare",
    "setns",
    "chroot",
    "pivot_root",
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "mount_setattr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    // Identity.
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "capset",
    // Files, other than opening them.
    "creat",
    "openat2",
    "open_by_handle_at",
    "truncate",
    "mknod",
    "mknodat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "memfd_create",
    // The kernel as a whole, and the parts of it that are new and large.
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "add_key",
    "request_key",
    "keyctl",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "syslog",
    "acct",
    "quotactl",
    "iopl",
    "ioperm",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "vhangup",
});

struct Release {
  void operator()(void* filter) const noexcept { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

constexpr std::uint32_t kRefuse = SCMP_ACT_ERRNO(EPERM);

// Returns 0 or a negative errno value, as libseccomp does. Calls that this libseccomp or this
// machine does not have cannot be made.
int refuse(void* filter, std::string_view name) {
  const int number = ::seccomp_syscall_resolve_name(std::string(name).c_str());
  return number == __NR_SCMP_ERROR ? 0 : ::seccomp_rule_add(filter, kRefuse, number, 0);
}

int refuse_flags(void* filter, int number, unsigned argument, int mask, int flags) {
  const scmp_arg_cmp compare{argument, SCMP_CMP_MASKED_EQ, static_cast<scmp_datum_t>(mask),
                             static_cast<scmp_datum_t>(flags)};
  return ::seccomp_rule_add_array(filter, kRefuse, number, 1, &compare);
}

int refuse_writing(void* filter) {
  struct Open {
    int number;
    unsigned flags;  // which argument
  };
  constexpr int kOpen = SCMP_SYS(open);
  constexpr int kOpenAt = SCMP_SYS(openat);
  for (const Open open : {Open{kOpen, 1}, Open{kOpenAt, 2}}) {
    for (const auto& [mask, flags] : {std::pair(O_ACCMODE, O_WRONLY),
                                      {O_ACCMODE, O_RDWR},
                                      {O_CREAT, O_CREAT},
                                      {O_TRUNC, O_TRUNC}}) {
      const int problem = refuse_flags(filter, open.number, open.flags, mask, flags);
      if (problem != 0) return problem;
    }
  }
  return 0;
}

int load() {
  const CpuLimit limit;
  const Filter filter(::seccomp_init(SCMP_ACT_ALLOW));
  if (filter == nullptr) return -ENOMEM;
  // Calls of another architecture, such as those of 32 bits.
  int problem = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, kRefuse);
  for (const std::string_view name : kForbidden) {
    if (problem == 0) problem = refuse(filter.get(), name);
  }
  if (problem == 0) problem = refuse_writing(filter.get());
  return problem != 0 ? problem : ::seccomp_load(filter.get());
}

}  // namespace

std::span<const std::string_view> forbidden_calls() noexcept { return kForbidden; }

std::string forbid_calls() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return std::string("cannot give up new privileges: ") + std::strerror(errno);
  }
  const int problem = load();
  if (problem == 0) return {};
  return std::string("system calls that are never made stay allowed: no seccomp filter: ") +
         std::strerror(-problem);
}

}  // namespace sockdiag
