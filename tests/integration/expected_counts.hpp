// SPDX-License-Identifier: Apache-2.0
//
// What the exporter should say of given sockets, worked out a second time from the definition of
// direction and port and without the exporter's code, and what it does say, in the same form.
// All of it for the default configuration and no more than max_ports ports.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/exposition_text.hpp"
#include "support/proc_net_tcp.hpp"

namespace sockdiag::test {

// Label values joined by blanks ("inbound 8080 close_wait") to numbers; zeros are left out.
using Counts = std::map<std::string, double>;

// By listeners and by the ephemeral range; not by how many sockets share a port.
[[nodiscard]] bool is_inbound(const SocketRow& row, const std::vector<SocketRow>& all);

[[nodiscard]] Counts expected_sockets(const std::vector<SocketRow>& rows);
[[nodiscard]] Counts expected_family_sockets(const std::vector<SocketRow>& rows);
[[nodiscard]] Counts expected_receive_bytes(const std::vector<SocketRow>& rows);
[[nodiscard]] Counts expected_send_bytes(const std::vector<SocketRow>& rows);

// Of rows of /proc.
[[nodiscard]] Counts expected_close_waits(const std::vector<SocketRow>& rows);
[[nodiscard]] Counts expected_orphaned_fin_wait2(const std::vector<SocketRow>& rows);

[[nodiscard]] Counts exported_sockets(const Exposition& exposition);
[[nodiscard]] Counts exported_family_sockets(const Exposition& exposition);
[[nodiscard]] Counts exported_close_waits(const Exposition& exposition);
[[nodiscard]] Counts exported_orphaned_fin_wait2(const Exposition& exposition);
[[nodiscard]] Counts exported_receive_bytes(const Exposition& exposition);
[[nodiscard]] Counts exported_send_bytes(const Exposition& exposition);

// The rows of /proc with the one thing that only ss knows of a listener.
[[nodiscard]] std::vector<SocketRow> with_v6only(std::vector<SocketRow> proc,
                                                 const std::vector<SocketRow>& ss);

// A line for each key whose numbers differ; empty when none does.
[[nodiscard]] std::string differences(const Counts& left, const Counts& right);

}  // namespace sockdiag::test
