// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/kernel_values.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <utility>

#include "proc_file.hpp"

namespace sockdiag {
namespace {

constexpr std::string_view kNetstat = "thread-self/net/netstat";
constexpr std::string_view kSnmp = "thread-self/net/snmp";
constexpr std::string_view kSockstat = "thread-self/net/sockstat";
constexpr std::string_view kSockstat6 = "thread-self/net/sockstat6";
constexpr std::string_view kMaxOrphans = "sys/net/ipv4/tcp_max_orphans";
constexpr std::string_view kMemory = "sys/net/ipv4/tcp_mem";
constexpr std::string_view kMaxTimeWaits = "sys/net/ipv4/tcp_max_tw_buckets";

constexpr KernelValueRow tcp_ext(std::string_view metric, std::string_view field,
                                 std::string_view help) {
  return {metric, ValueType::counter, kNetstat, "TcpExt", field, 0, ValueUnit::one, help};
}

constexpr KernelValueRow tcp(std::string_view metric, std::string_view field,
                             std::string_view help) {
  return {metric, ValueType::counter, kSnmp, "Tcp", field, 0, ValueUnit::one, help};
}

constexpr KernelValueRow sockstat(std::string_view metric, std::string_view field, ValueUnit unit,
                                  std::string_view help) {
  return {metric, ValueType::gauge, kSockstat, "TCP", field, 0, unit, help};
}

constexpr KernelValueRow sysctl(std::string_view metric, std::string_view file,
                                std::size_t position, ValueUnit unit, std::string_view help) {
  return {metric, ValueType::gauge, file, "", "", position, unit, help};
}

constexpr auto kRows = std::to_array<KernelValueRow>({
    tcp_ext("sockdiag_tcp_listen_overflows_total", "ListenOverflows",
            "SYNs and handshake ACKs dropped because a listener's accept queue was full: the "
            "application accepts too slowly or its backlog is too small."),
    tcp_ext("sockdiag_tcp_listen_drops_total", "ListenDrops",
            "SYNs and handshake ACKs dropped at listeners for any reason, "
            "sockdiag_tcp_listen_overflows_total among them; the rest met a full request queue "
            "without SYN cookies, or a lack of memory or of a route."),
    tcp_ext("sockdiag_tcp_request_queue_full_drops_total", "TCPReqQFullDrop",
            "SYNs dropped because a listener's request queue was full and SYN cookies are off: a "
            "SYN flood, or a backlog too small."),
    tcp_ext("sockdiag_tcp_request_queue_full_cookies_total", "TCPReqQFullDoCookies",
            "SYNs that met a full request queue and got a cookie instead of a place: a SYN flood, "
            "or a backlog too small. Half-open sockets cannot show it: they stop at the backlog."),
    tcp_ext("sockdiag_tcp_syncookies_sent_total", "SyncookiesSent",
            "SYN cookies sent: growth is the true sign of a SYN flood, or of a backlog too small, "
            "unless net.ipv4.tcp_syncookies is 2 and every SYN gets one."),
    tcp_ext("sockdiag_tcp_syncookies_failed_total", "SyncookiesFailed",
            "ACKs without a valid cookie at a listener that lately sent some: late, stray or "
            "forged ones."),
    tcp_ext("sockdiag_tcp_time_wait_overflows_total", "TCPTimeWaitOverflow",
            "Sockets closed without TIME_WAIT, because sockdiag_tcp_time_wait_limit_sockets was "
            "reached or memory ran out; late segments may then reach a new connection."),
    tcp_ext("sockdiag_tcp_abort_on_memory_total", "TCPAbortOnMemory",
            "Connections reset because there were too many orphans or TCP used too much memory: "
            "compare sockdiag_tcp_orphans and sockdiag_tcp_memory_bytes with their limits."),
    tcp_ext("sockdiag_tcp_syn_retransmits_total", "TCPSynRetrans",
            "SYNs and SYN-ACKs sent again because no answer came: packets are lost, a peer is "
            "down, or a listener drops them."),
    tcp("sockdiag_tcp_active_opens_total", "ActiveOpens",
        "Connections begun from here, failed ones included: a high rate means that connections "
        "are not reused, and takes ephemeral ports."),
    tcp("sockdiag_tcp_passive_opens_total", "PassiveOpens",
        "Connections that peers began and whose handshake was completed: a high rate means that "
        "clients do not reuse them."),
    tcp("sockdiag_tcp_attempt_failures_total", "AttemptFails",
        "Handshakes that failed: outgoing ones refused or timed out, incoming ones reset by the "
        "peer."),
    tcp("sockdiag_tcp_established_resets_total", "EstabResets",
        "Connections that went from ESTABLISHED or CLOSE_WAIT straight to closed: reset by either "
        "side or timed out, not closed in order."),
    sockstat("sockdiag_tcp_orphans", "orphan", ValueUnit::one,
             "Sockets that no process holds and that are not yet closed on the wire, TIME_WAIT "
             "left out; the kernel resets them at sockdiag_tcp_orphans_limit or earlier. "
             "Host-wide even inside a network namespace."),
    sockstat("sockdiag_tcp_allocated_sockets", "alloc", ValueUnit::one,
             "TCP sockets that exist, those that no dump shows included: if it grows and "
             "sockdiag_tcp_sockets does not, unconnected or reset sockets are never closed, a "
             "descriptor leak. Host-wide even inside a network namespace."),
    sockstat("sockdiag_tcp_memory_bytes", "mem", ValueUnit::pages,
             "Memory of all TCP buffers: at sockdiag_tcp_memory_limit_bytes the kernel drops data "
             "and resets orphans. Host-wide even inside a network namespace."),
    sysctl("sockdiag_tcp_orphans_limit", kMaxOrphans, 0, ValueUnit::one,
           "The kernel resets orphans at this many at the latest (net.ipv4.tcp_max_orphans). "
           "Host-wide; absent outside the initial network namespace."),
    sysctl("sockdiag_tcp_memory_limit_bytes", kMemory, 2, ValueUnit::pages,
           "Memory that all TCP buffers may take (the last number of net.ipv4.tcp_mem). "
           "Host-wide; absent outside the initial network namespace."),
    sysctl("sockdiag_tcp_time_wait_limit_sockets", kMaxTimeWaits, 0, ValueUnit::one,
           "TIME_WAIT sockets that may exist (net.ipv4.tcp_max_tw_buckets): at the limit, sockets "
           "are closed without TIME_WAIT."),
});

// One value of a file, identified as a row of the table does. Borrows from the file's text.
struct Entry {
  std::string_view group;
  std::string_view field;
  std::size_t position = 0;
  std::string_view value;
};
using Entries = std::vector<Entry>;

// The stretches between separators; none is empty.
std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  std::size_t end = 0;
  for (std::size_t begin = 0;
       (begin = text.find_first_not_of(separators, end)) != std::string_view::npos;) {
    end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
  }
  return parts;
}

// "TcpExt" where the line begins with "TcpExt:".
std::optional<std::string_view> group_of(const std::vector<std::string_view>& words) {
  if (words.empty() || !words[0].ends_with(':')) return std::nullopt;
  return words[0].substr(0, words[0].size() - 1);
}

bool add_line_pair(Entries& entries, std::string_view name_line, std::string_view value_line) {
  const auto names = split(name_line, " ");
  const auto values = split(value_line, " ");
  const auto group = group_of(names);
  if (!group || group != group_of(values) || names.size() != values.size()) return false;
  for (std::size_t i = 1; i < names.size(); ++i) {
    entries.push_back({.group = *group, .field = names[i], .value = values[i]});
  }
  return true;
}

// netstat and snmp: "Tcp: RtoMin MaxConn ..." and on the next line "Tcp: 200 -1 ...".
Entries parse_line_pairs(const ProcFile& text) {
  const auto lines = split(text.content, "\n");
  bool good = !lines.empty() && lines.size() % 2 == 0;
  Entries entries;
  for (std::size_t i = 0; good && i < lines.size(); i += 2) {
    good = add_line_pair(entries, lines[i], lines[i + 1]);
  }
  if (!good) refuse(text.path, "expected lines of names, each followed by one of as many values");
  return entries;
}

bool add_sockstat_line(Entries& entries, std::string_view line) {
  const auto words = split(line, " ");
  const auto group = group_of(words);
  if (!group || words.size() % 2 == 0) return false;
  for (std::size_t i = 1; i < words.size(); i += 2) {
    entries.push_back({.group = *group, .field = words[i], .value = words[i + 1]});
  }
  return true;
}

// sockstat and sockstat6: "TCP: inuse 5 orphan 0 tw 1 alloc 6 mem 2".
Entries parse_sockstat(const ProcFile& text) {
  const auto lines = split(text.content, "\n");
  Entries entries;
  const bool good = !lines.empty() && std::all_of(lines.begin(), lines.end(), [&](auto line) {
    return add_sockstat_line(entries, line);
  });
  if (!good) refuse(text.path, "expected lines of a group and pairs of name and value");
  return entries;
}

// A sysctl: "131072", or more numbers with tabs between them.
Entries parse_sysctl(const ProcFile& text) {
  Entries entries;
  for (const std::string_view word : split(text.content, " \t\n")) {
    entries.push_back({.group = "", .field = "", .position = entries.size(), .value = word});
  }
  return entries;
}

const Entry* find_entry(const Entries& entries, std::string_view group, std::string_view field,
                        std::size_t position = 0) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.group == group && entry.field == field && entry.position == position;
  });
  return found == entries.end() ? nullptr : &*found;
}

std::string name_of(std::string_view group, std::string_view field) {
  return std::string(group) + " " + std::string(field);
}

std::uint64_t number_of(const ProcFile& text, const Entry& entry) {
  std::uint64_t number = 0;
  const char* const end = entry.value.data() + entry.value.size();
  const auto [stopped, error] = std::from_chars(entry.value.data(), end, number);
  if (error == std::errc() && stopped == end) return number;
  if (entry.group.empty()) refuse(text.path, "expected unsigned numbers");
  refuse(text.path, "expected an unsigned number as " + name_of(entry.group, entry.field));
}

std::uint64_t pages_to_bytes(std::uint64_t pages) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return pages > kMost / page_bytes ? kMost : pages * page_bytes;
}

std::optional<std::uint64_t> value_of(const KernelValueRow& row, const ProcFile& text,
                                      const Entries& entries) {
  const Entry* const entry = find_entry(entries, row.group, row.field, row.position);
  if (entry == nullptr && row.group.empty()) {
    refuse(text.path,
           "expected unsigned numbers, " + std::to_string(row.position + 1) + " at least");
  }
  if (entry == nullptr) return std::nullopt;
  const std::uint64_t number = number_of(text, *entry);
  return row.unit == ValueUnit::pages ? pages_to_bytes(number) : number;
}

struct SourceFile {
  std::string_view name;
  Entries (*parse)(const ProcFile&);
  bool required;
};

constexpr auto kFiles = std::to_array<SourceFile>({
    {kNetstat, parse_line_pairs, true},
    {kSnmp, parse_line_pairs, true},
    {kSockstat, parse_sockstat, true},
    {kMaxOrphans, parse_sysctl, false},
    {kMemory, parse_sysctl, false},
    {kMaxTimeWaits, parse_sysctl, false},
});

static_assert(std::all_of(kRows.begin(), kRows.end(), [](const KernelValueRow& row) {
  return std::any_of(kFiles.begin(), kFiles.end(),
                     [&](const SourceFile& file) { return file.name == row.file; });
}));

void read_rows(const SourceFile& file, const std::filesystem::path& proc,
               std::vector<std::optional<std::uint64_t>>& values) {
  const auto text =
      file.required ? read_proc_file(proc / file.name) : read_proc_file_if_exists(proc / file.name);
  if (!text) return;
  const Entries entries = file.parse(*text);
  auto filled = values;  // so that a file that turns out to be malformed leaves nothing behind
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].file == file.name) filled[i] = value_of(kRows[i], *text, entries);
  }
  values = std::move(filled);
}

std::uint64_t existing_number(const ProcFile& text, const Entries& entries, std::string_view group,
                              std::string_view field) {
  const Entry* const entry = find_entry(entries, group, field);
  if (entry == nullptr) refuse(text.path, "expected " + name_of(group, field));
  return number_of(text, *entry);
}

}  // namespace

std::span<const KernelValueRow> kernel_value_rows() noexcept { return kRows; }

KernelValues read_kernel_values(const std::filesystem::path& proc) {
  KernelValues result;
  result.values.resize(kRows.size());
  for (const SourceFile& file : kFiles) {
    try {
      read_rows(file, proc, result.values);
    } catch (const std::runtime_error& error) {
      result.problems.emplace_back(error.what());
    }
  }
  return result;
}

std::uint64_t read_sockstat_sockets(const std::filesystem::path& proc) {
  const ProcFile ipv4 = read_proc_file(proc / kSockstat);
  const Entries entries = parse_sockstat(ipv4);
  const std::uint64_t sockets =
      existing_number(ipv4, entries, "TCP", "inuse") + existing_number(ipv4, entries, "TCP", "tw");
  const auto ipv6 = read_proc_file_if_exists(proc / kSockstat6);
  if (!ipv6) return sockets;  // IPv6 is disabled
  return sockets + existing_number(*ipv6, parse_sockstat(*ipv6), "TCP6", "inuse");
}

}  // namespace sockdiag
