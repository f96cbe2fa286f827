// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is said over the socket of sockdiag_opener, a Unix socket of type SOCK_SEQPACKET.
//
// A packet from the client is one OpenerRequest. The opener answers each with one OpenerReply, in
// order. If `error` is 0, the reply carries one descriptor (SCM_RIGHTS): a sock_diag socket of the
// network namespace of that process, not bound, without a deadline, close-on-exec. It pins the
// namespace: close it after the dump. The opener keeps no copy.
//
// The opener closes a connection whose packet has another size or brings descriptors, and one whose
// client leaves answers unread. It holds kOpenerConnections of them and closes further ones at
// once. Numbers have the host's byte order: both ends run on the same machine.

#include <cstddef>
#include <cstdint>

namespace sockdiag {

struct OpenerRequest {
  std::int64_t pid = 0;     // as in the opener's --path.procfs
  std::uint64_t inode = 0;  // st_ino of that procfs's PID/net/tcp, which identifies the namespace
};

struct OpenerReply {
  // 0 or an errno value. ENOENT: no such process. ESTALE: the process is in another namespace.
  // EINVAL: pid is not positive. EACCES, EPERM: the opener lacks the right. Others as of open(2),
  // setns(2) and socket(2).
  std::int32_t error = 0;
};

static_assert(sizeof(OpenerRequest) == 16 && sizeof(OpenerReply) == 4);

inline constexpr std::size_t kOpenerConnections = 16;

}  // namespace sockdiag
