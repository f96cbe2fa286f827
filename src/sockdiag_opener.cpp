// SPDX-License-Identifier: Apache-2.0

// sockdiag_opener: opens sock_diag sockets in other network namespaces and passes them to the
// exporter, which has no privilege (sockdiag/owners/opener_protocol.hpp). It needs CAP_SYS_PTRACE
// to open /proc/PID/ns/net of other users' processes, and CAP_SYS_ADMIN to enter it. One file, no
// library, one thread; no request names a path or decides how much memory is used.

#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "sockdiag/core/file_descriptor.hpp"
#include "sockdiag/owners/opener_protocol.hpp"

namespace {

using sockdiag::FileDescriptor;
using sockdiag::OpenerReply;
using sockdiag::OpenerRequest;

constexpr int kExitWrongUsage = 2;
constexpr int kActivatedSocket = 3;  // sd_listen_fds(3)
constexpr int kBacklog = 16;
constexpr int kLogLinesAMinute = 10;

constexpr char kHelp[] =
    R"(usage: sockdiag_opener [--socket PATH [--group GROUP]] [--path.procfs DIR]
Opens sock_diag sockets in other network namespaces for sockdiag_exporter and passes them to it.
Needs CAP_SYS_ADMIN and CAP_SYS_PTRACE. Without --socket, takes its socket from the service manager.

  --socket PATH       Unix socket to make, of type SOCK_SEQPACKET and mode 0660
  --group GROUP       name or number of the group of that socket
  --path.procfs DIR   the host's /proc
  --help              show this text
  --version           show the version
)";

constexpr char kVersion[] =
    "sockdiag_opener " SOCKDIAG_VERSION " (revision " SOCKDIAG_REVISION ")\n";

struct Options {
  const char* socket = nullptr;
  const char* group = nullptr;
  const char* procfs = "/proc";
};

// Writes one line to standard error, unless that would wait.
[[gnu::format(printf, 1, 0)]] void write_line(const char* format, va_list words) {
  std::array<char, 512> line{"sockdiag_opener: "};
  const std::size_t begin = std::strlen(line.data());
  const int size = std::vsnprintf(line.data() + begin, line.size() - begin - 1, format, words);
  const auto end = std::min(begin + static_cast<std::size_t>(std::max(size, 0)), line.size() - 2);
  line.at(end) = '\n';
  pollfd output{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&output, 1, 0) != 1) return;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), end + 1);
}

// Writes at most kLogLinesAMinute: clients must not be able to fill a disk.
[[gnu::format(printf, 1, 2)]] void log(const char* format, ...) {
  static std::time_t minute = -1;
  static int lines = 0;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (now.tv_sec / 60 != minute) lines = 0;
  minute = now.tv_sec / 60;
  if (++lines > kLogLinesAMinute) return;
  va_list words;
  va_start(words, format);
  write_line(format, words);
  va_end(words);
}

[[noreturn, gnu::format(printf, 2, 3)]] void end(int status, const char* format, ...) {
  va_list words;
  va_start(words, format);
  write_line(format, words);
  va_end(words);
  std::_Exit(status);
}

// Ends the process and says why: what failed, and errno.
[[noreturn]] void fail(const char* what) {
  end(EXIT_FAILURE, "%s: %s", what, std::strerror(errno));
}

// Network namespaces of the processes below one procfs.
class Namespaces {
 public:
  // Ends the process if it lacks a right.
  explicit Namespaces(const char* procfs) : procfs_(procfs) {
    const int size = std::snprintf(own_inode_.data(), own_inode_.size(), "%s/self/net/tcp", procfs);
    if (size > PATH_MAX - 32) end(kExitWrongUsage, "--path.procfs: a path that is too long");
    Path path;
    std::snprintf(path.data(), path.size(), "%s/self/ns/net", procfs);
    own_ = FileDescriptor(::open(path.data(), O_RDONLY | O_CLOEXEC));
    if (!own_.is_open()) fail(path.data());
    try_rights();
  }

  // Opens a sock_diag socket in the namespace of a process. Returns it or, negated, an errno value.
  [[nodiscard]] int open_socket(const OpenerRequest& request) const {
    if (request.pid <= 0) return -EINVAL;
    Path path;
    std::snprintf(path.data(), path.size(), "%s/%lld/ns/net", procfs_,
                  static_cast<long long>(request.pid));
    const FileDescriptor other(::open(path.data(), O_RDONLY | O_CLOEXEC));
    if (!other.is_open() || ::setns(other.get(), CLONE_NEWNET) != 0) return -errno;
    const int socket = open_socket_here(request.inode);
    if (::setns(own_.get(), CLONE_NEWNET) != 0) fail("returning to its own network namespace");
    return socket;
  }

 private:
  using Path = std::array<char, PATH_MAX>;

  // Fails if the pid belongs to another process by now.
  [[nodiscard]] int open_socket_here(std::uint64_t inode) const {
    struct stat file {};
    if (::stat(own_inode_.data(), &file) != 0) return -errno;
    if (file.st_ino != inode) return -ESTALE;
    const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    return socket >= 0 ? socket : -errno;
  }

  void try_rights() const {
    if (::setns(own_.get(), CLONE_NEWNET) != 0) fail("entering a network namespace");
    struct stat file {};
    if (::stat(own_inode_.data(), &file) != 0) fail(own_inode_.data());
    const FileDescriptor socket(open_socket_here(file.st_ino));
    if (!socket.is_open()) end(EXIT_FAILURE, "sock_diag: %s", std::strerror(-socket.get()));
  }

  const char* procfs_;
  Path own_inode_;  // of the namespace in which this process is at that moment
  FileDescriptor own_;
};

using Capabilities = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
constexpr std::uint32_t kEnter = 1U << CAP_SYS_ADMIN;
constexpr std::uint32_t kOpen = 1U << CAP_SYS_PTRACE;

void require_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Capabilities held{};
  if (::syscall(SYS_capget, &header, held.data()) != 0) fail("capget");
  const std::uint32_t missing = (kEnter | kOpen) & ~held[0].permitted;
  if (missing == 0) return;
  end(EXIT_FAILURE, "it lacks the right to%s%s%s",
      (missing & kOpen) != 0 ? " open namespaces of others (CAP_SYS_PTRACE)" : "",
      missing == (kEnter | kOpen) ? " and to" : "",
      (missing & kEnter) != 0 ? " enter network namespaces (CAP_SYS_ADMIN)" : "");
}

// Keeps the two capabilities, makes them effective, and can never gain any.
void drop_privileges() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const Capabilities kept{
      {{.effective = kEnter | kOpen, .permitted = kEnter | kOpen, .inheritable = 0}, {}}};
  if (::syscall(SYS_capset, &header, kept.data()) != 0 ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    fail("dropping privileges");
  }
}

// Removes a socket that nobody listens to. Ends the process if anything else is there.
void remove_stale(const sockaddr_un& address) {
  struct stat file {};
  if (::lstat(address.sun_path, &file) != 0) return;
  if (!S_ISSOCK(file.st_mode)) end(EXIT_FAILURE, "%s is not a socket", address.sun_path);
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno != ECONNREFUSED) {
    end(EXIT_FAILURE, "%s: somebody else listens there", address.sun_path);
  }
  ::unlink(address.sun_path);
}

gid_t group_named(const char* name) {
  char* rest = nullptr;
  const unsigned long number = std::strtoul(name, &rest, 10);
  if (*name >= '0' && *name <= '9' && *rest == '\0' && number < UINT_MAX) {
    return static_cast<gid_t>(number);
  }
  const group* found = ::getgrnam(name);
  if (found == nullptr) end(EXIT_FAILURE, "there is no group %s", name);
  return found->gr_gid;
}

// Nobody can connect before mode and group are right.
int make_socket(const Options& options) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(options.socket);
  if (length >= sizeof address.sun_path) {
    end(kExitWrongUsage, "--socket: a path has at most %zu bytes", sizeof address.sun_path - 1);
  }
  std::memcpy(address.sun_path, options.socket, length);
  const gid_t group = options.group != nullptr ? group_named(options.group) : ::getegid();
  remove_stale(address);
  const int listener = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const mode_t before = ::umask(0117);
  if (listener < 0 ||
      ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chown(address.sun_path, static_cast<uid_t>(-1), group) != 0 ||
      ::listen(listener, kBacklog) != 0) {
    fail(address.sun_path);
  }
  ::umask(before);
  return listener;
}

bool variable_is(const char* name, long expected) {
  const char* text = std::getenv(name);
  return text != nullptr && std::strtol(text, nullptr, 10) == expected;
}

int option_of(int descriptor, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

int activated_socket() {
  if (!variable_is("LISTEN_PID", ::getpid()) || !variable_is("LISTEN_FDS", 1)) {
    end(kExitWrongUsage, "neither --socket nor one socket of the service manager: see --help");
  }
  if (option_of(kActivatedSocket, SO_DOMAIN) != AF_UNIX ||
      option_of(kActivatedSocket, SO_TYPE) != SOCK_SEQPACKET ||
      option_of(kActivatedSocket, SO_ACCEPTCONN) != 1) {
    end(EXIT_FAILURE, "the service manager's socket is not of ListenSequentialPacket=");
  }
  if (::fcntl(kActivatedSocket, F_SETFD, FD_CLOEXEC) != 0 ||
      ::fcntl(kActivatedSocket, F_SETFL, O_NONBLOCK) != 0) {
    fail("fcntl");
  }
  return kActivatedSocket;
}

// Receives one packet. Descriptors in it are closed by the kernel, as there is no room for them.
bool receive(int connection, OpenerRequest& request) {
  iovec buffer{&request, sizeof request};
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  const ssize_t size = ::recvmsg(connection, &message, MSG_DONTWAIT);
  if (size == 0) return false;  // the client has closed
  const bool well_formed =
      size == sizeof request && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  if (!well_formed) log("a client is cut off: what it sent is no request");
  return well_formed;
}

// Returns false if the client does not read its answers.
bool send(int connection, const OpenerReply& reply, int descriptor) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec buffer{const_cast<OpenerReply*>(&reply), sizeof reply};
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  return ::sendmsg(connection, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

// Returns false if the connection is to be closed.
bool answer(int connection, const Namespaces& namespaces) {
  OpenerRequest request;
  if (!receive(connection, request)) return false;
  const int result = namespaces.open_socket(request);
  const FileDescriptor socket(result);
  const OpenerReply reply{.error = result < 0 ? -result : 0};
  if (reply.error != 0 && reply.error != ENOENT && reply.error != ESRCH && reply.error != ESTALE) {
    log("process %lld: %s", static_cast<long long>(request.pid), std::strerror(reply.error));
  }
  return send(connection, reply, socket.get());
}

class Server {
 public:
  Server(int listener, const Namespaces& namespaces) : namespaces_(namespaces) {
    polled_.fill({-1, POLLIN, 0});  // poll(2) passes over negative descriptors
    polled_[0].fd = listener;
  }

  // One request of each client a turn.
  void turn() {
    if (::poll(polled_.data(), polled_.size(), -1) < 0) return;
    for (std::size_t seat = 1; seat < polled_.size(); ++seat) {
      pollfd& client = polled_.at(seat);
      if (client.fd >= 0 && client.revents != 0 && !answer(client.fd, namespaces_)) {
        ::close(client.fd);
        client.fd = -1;
      }
    }
    if (polled_[0].revents != 0) accept();
  }

 private:
  void accept() {
    const int client = ::accept4(polled_[0].fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) {
      log("accept: %s", std::strerror(errno));
      ::poll(nullptr, 0, 100);  // until descriptors or memory are free
      return;
    }
    // The kernel rounds up to its least: some six answers, each of which pins a namespace.
    const int least = 1;
    ::setsockopt(client, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    const auto seat = std::ranges::find(polled_, -1, &pollfd::fd);
    if (seat != polled_.end()) {
      seat->fd = client;
      return;
    }
    log("a client is cut off: there are too many");
    ::close(client);
  }

  const Namespaces& namespaces_;
  std::array<pollfd, 1 + sockdiag::kOpenerConnections> polled_{};
};

[[noreturn]] void print_and_exit(const char* text) {
  const bool printed = std::fputs(text, stdout) >= 0 && std::fflush(stdout) == 0;
  std::exit(printed ? EXIT_SUCCESS : EXIT_FAILURE);
}

Options parse(int argc, char** argv) {
  constexpr std::array<option, 6> kFlags{{{"socket", required_argument, nullptr, 's'},
                                          {"group", required_argument, nullptr, 'g'},
                                          {"path.procfs", required_argument, nullptr, 'p'},
                                          {"help", no_argument, nullptr, 'h'},
                                          {"version", no_argument, nullptr, 'v'},
                                          {}}};
  Options options;
  for (int flag = 0; (flag = ::getopt_long(argc, argv, "h", kFlags.data(), nullptr)) != -1;) {
    if (flag == 's') options.socket = optarg;
    if (flag == 'g') options.group = optarg;
    if (flag == 'p') options.procfs = optarg;
    if (flag == 'h') print_and_exit(kHelp);
    if (flag == 'v') print_and_exit(kVersion);
    if (flag == '?') std::exit(kExitWrongUsage);
  }
  if (optind < argc) end(kExitWrongUsage, "unknown argument: %s", argv[optind]);
  if (options.group != nullptr && options.socket == nullptr) {
    end(kExitWrongUsage, "--group is of use with --socket only");
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(standard, F_GETFD) < 0) ::open("/dev/null", O_RDWR);
  }
  // The first process of a container ends by the signals that it handles.
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { std::_Exit(0); });
  require_capabilities();
  const Namespaces namespaces(options.procfs);
  const int listener = options.socket != nullptr ? make_socket(options) : activated_socket();
  drop_privileges();
  for (Server server(listener, namespaces);;) server.turn();
}
