// SPDX-License-Identifier: Apache-2.0
//
// LD_PRELOAD shim that makes sock_diag sockets fail the way kernels do, on demand.
//
// While the file named by $NETLINK_FAULT_FILE exists, the word in it names a row of the table
// below, and every NETLINK_SOCK_DIAG socket of the process suffers that fault. Without the file,
// and for every other socket, calls go through untouched. An unknown word aborts: a fault that
// silently does nothing would make a test pass for the wrong reason.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

typedef ssize_t (*alteration)(struct msghdr* message, ssize_t length);

static ssize_t truncated(struct msghdr* message, ssize_t length) {
  message->msg_flags |= MSG_TRUNC;
  return length;
}

static ssize_t cut_short(struct msghdr* message, ssize_t length) {
  (void)message;
  return length < 10 ? length : 10;
}

static ssize_t empty(struct msghdr* message, ssize_t length) {
  (void)message;
  (void)length;
  return 0;
}

// Makes the datagram one message that carries an error, such as the kernel's own.
static ssize_t answer(struct msghdr* message, ssize_t length, unsigned short type, int error) {
  struct nlmsghdr header;
  const ssize_t needed = (ssize_t)(sizeof header + sizeof error);
  char* bytes = message->msg_iov[0].iov_base;
  if (length < needed) return length;
  memcpy(&header, bytes, sizeof header);
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_MULTI;
  header.nlmsg_len = (unsigned)needed;
  memcpy(bytes, &header, sizeof header);
  memcpy(bytes + sizeof header, &error, sizeof error);
  return needed;
}

// What a kernel without the tcp_diag module answers: a lone DONE that carries -ENOENT.
static ssize_t done_enoent(struct msghdr* message, ssize_t length) {
  return answer(message, length, NLMSG_DONE, -ENOENT);
}

// What it answers while another dump of the socket is under way.
static ssize_t error_ebusy(struct msghdr* message, ssize_t length) {
  return answer(message, length, NLMSG_ERROR, -EBUSY);
}

static ssize_t overrun(struct msghdr* message, ssize_t length) {
  return answer(message, length, NLMSG_OVERRUN, 0);
}

enum moment { ON_SOCKET, ON_SEND, ON_RECEIVE, ON_LATER_RECEIVE, ON_FIRST_RECEIVE };

static const struct fault {
  const char* name;
  enum moment moment;
  int error;  // errno of the failing call, or 0 where `alter` spoils a good reply
  alteration alter;
} kFaults[] = {
    {"SOCKET_EPERM", ON_SOCKET, EPERM, NULL},
    {"SOCKET_EACCES", ON_SOCKET, EACCES, NULL},
    {"SOCKET_EAFNOSUPPORT", ON_SOCKET, EAFNOSUPPORT, NULL},
    {"SOCKET_EPROTONOSUPPORT", ON_SOCKET, EPROTONOSUPPORT, NULL},
    {"SOCKET_EMFILE", ON_SOCKET, EMFILE, NULL},
    {"SEND_EACCES", ON_SEND, EACCES, NULL},
    {"SEND_ENOBUFS", ON_SEND, ENOBUFS, NULL},
    {"ENOBUFS", ON_RECEIVE, ENOBUFS, NULL},
    {"ENOMEM", ON_RECEIVE, ENOMEM, NULL},
    {"EAGAIN", ON_RECEIVE, EAGAIN, NULL},
    {"LATER_ENOBUFS", ON_LATER_RECEIVE, ENOBUFS, NULL},
    {"HANG", ON_RECEIVE, EINTR, NULL},
    {"FIRST_EINTR", ON_FIRST_RECEIVE, EINTR, NULL},
    {"TRUNC", ON_RECEIVE, 0, truncated},
    {"SHORT", ON_RECEIVE, 0, cut_short},
    {"EMPTY", ON_RECEIVE, 0, empty},
    {"DONE_ENOENT", ON_RECEIVE, 0, done_enoent},
    {"ERROR_EBUSY", ON_RECEIVE, 0, error_ebusy},
    {"OVERRUN", ON_RECEIVE, 0, overrun},
};

// Receive calls since the last netlink socket was made. One dump runs at a time.
static atomic_int receive_calls;

// Stores the definition this shim stands before, libc's or a sanitizer's.
static void find_next(const char* name, void* function_pointer) {
  void* address = dlsym(RTLD_NEXT, name);
  if (address == NULL) abort();
  memcpy(function_pointer, &address, sizeof address);
}

static const struct fault* find_fault(const char* name) {
  for (size_t i = 0; i < sizeof kFaults / sizeof kFaults[0]; ++i) {
    if (strcmp(kFaults[i].name, name) == 0) return &kFaults[i];
  }
  fprintf(stderr, "netlink_fault: unknown fault \"%s\"\n", name);
  abort();
}

static const struct fault* current_fault(void) {
  char name[64];
  const char* path = getenv("NETLINK_FAULT_FILE");
  const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return NULL;
  const ssize_t length = read(file, name, sizeof name - 1);
  close(file);
  if (length <= 0) return NULL;
  name[length] = '\0';
  return find_fault(name);
}

static int option(int descriptor, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static int is_sock_diag(int descriptor) {
  const int saved = errno;
  const int result = option(descriptor, SO_DOMAIN) == AF_NETLINK &&
                     option(descriptor, SO_PROTOCOL) == NETLINK_SOCK_DIAG;
  errno = saved;
  return result;
}

static int is_due(const struct fault* fault, int call) {
  return fault->moment == ON_RECEIVE || (fault->moment == ON_FIRST_RECEIVE && call == 0) ||
         (fault->moment == ON_LATER_RECEIVE && call > 0);
}

int socket(int domain, int type, int protocol) {
  if (domain == AF_NETLINK && protocol == NETLINK_SOCK_DIAG) {
    const struct fault* fault = current_fault();
    atomic_store(&receive_calls, 0);
    if (fault != NULL && fault->moment == ON_SOCKET) {
      errno = fault->error;
      return -1;
    }
  }
  int (*next)(int, int, int);
  find_next("socket", &next);
  return next(domain, type, protocol);
}

ssize_t sendto(int descriptor, const void* bytes, size_t length, int flags,
               __CONST_SOCKADDR_ARG address, socklen_t address_length) {
  const struct fault* fault = is_sock_diag(descriptor) ? current_fault() : NULL;
  if (fault != NULL && fault->moment == ON_SEND) {
    errno = fault->error;
    return -1;
  }
  ssize_t (*next)(int, const void*, size_t, int, __CONST_SOCKADDR_ARG, socklen_t);
  find_next("sendto", &next);
  return next(descriptor, bytes, length, flags, address, address_length);
}

// Until the fault is another.
static int is_hanging(const struct fault* fault) {
  return strcmp(fault->name, "HANG") == 0 && current_fault() == fault;
}

// Meanwhile the file that names the fault is locked, so that others can see it.
static void hang_in(const struct fault* fault) {
  const int locked = open(getenv("NETLINK_FAULT_FILE"), O_RDONLY | O_CLOEXEC);
  flock(locked, LOCK_SH);
  while (is_hanging(fault)) usleep(10000);
  close(locked);
}

ssize_t recvmsg(int descriptor, struct msghdr* message, int flags) {
  const struct fault* fault = is_sock_diag(descriptor) ? current_fault() : NULL;
  const int due = fault != NULL && is_due(fault, atomic_fetch_add(&receive_calls, 1));
  if (due && is_hanging(fault)) hang_in(fault);
  if (due && fault->error != 0) {
    errno = fault->error;
    return -1;
  }
  ssize_t (*next)(int, struct msghdr*, int);
  find_next("recvmsg", &next);
  const ssize_t length = next(descriptor, message, flags);
  return due && length >= 0 ? fault->alter(message, length) : length;
}
