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
constexpr std::string_view kIpv6Addresses = "thread-self/net/if_inet6";
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
    tcp_ext("sockdiag_tcp_embryonic_resets_total", "EmbryonicRsts",
            "Incoming handshakes that a reset ended, as half-open health checks and scanners do: "
            "each is also in sockdiag_tcp_attempt_failures_total."),
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
    sysctl("sockdiag_tcp_memory_pressure_bytes", kMemory, 1, ValueUnit::pages,
           "Memory of all TCP buffers from which on the kernel saves it (the second number of "
           "net.ipv4.tcp_mem): windows shrink and queues are pruned. Host-wide; absent outside the "
           "initial network namespace."),
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

// A file of nonsense must not fill the log.
constexpr std::size_t kMaxProblemsOfFile = 5;
constexpr std::size_t kMaxQuotedBytes = 40;

std::string quote(std::string_view text) {
  const bool cut = text.size() > kMaxQuotedBytes;
  return '"' + std::string(text.substr(0, kMaxQuotedBytes)) + (cut ? "...\"" : "\"");
}

// What is wrong within one file.
class FileProblems {
 public:
  explicit FileProblems(std::filesystem::path path) : path_(std::move(path)) {}

  void add(const std::string& why) {
    if (++count_ <= kMaxProblemsOfFile) lines_.push_back(problem_with(path_, why));
  }
  void append_to(std::vector<std::string>& lines) const {
    lines.insert(lines.end(), lines_.begin(), lines_.end());
    if (count_ <= kMaxProblemsOfFile) return;
    lines.push_back(problem_with(path_, std::to_string(count_ - kMaxProblemsOfFile) + " more"));
  }

 private:
  std::filesystem::path path_;
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

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

bool are_pair(std::string_view name_line, std::string_view value_line) {
  const auto group = group_of(split(name_line, " "));
  return group && group == group_of(split(value_line, " "));
}

void add_line_pair(Entries& entries, std::string_view name_line, std::string_view value_line,
                   FileProblems& problems) {
  const auto names = split(name_line, " ");
  const auto values = split(value_line, " ");
  if (names.size() != values.size()) {
    problems.add("expected as many values as names, got " + std::to_string(values.size() - 1) +
                 " for " + std::to_string(names.size() - 1) + " in " + quote(name_line));
    return;
  }
  const std::string_view group = *group_of(names);
  for (std::size_t i = 1; i < names.size(); ++i) {
    entries.push_back({.group = group, .field = names[i], .value = values[i]});
  }
}

// netstat and snmp: "Tcp: RtoMin MaxConn ..." and on the next line "Tcp: 200 -1 ...".
Entries parse_line_pairs(std::string_view content, FileProblems& problems) {
  const std::string expected = "expected lines of names, each followed by one of values";
  const auto lines = split(content, "\n");
  if (lines.empty()) problems.add(expected);
  Entries entries;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i + 1 < lines.size() && are_pair(lines[i], lines[i + 1])) {
      add_line_pair(entries, lines[i], lines[i + 1], problems);
      ++i;
    } else {
      problems.add(expected + ", got " + quote(lines[i]));
    }
  }
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
Entries parse_sockstat(std::string_view content, FileProblems& problems) {
  const std::string expected = "expected lines of a group and pairs of name and value";
  const auto lines = split(content, "\n");
  if (lines.empty()) problems.add(expected);
  Entries entries;
  for (const std::string_view line : lines) {
    if (!add_sockstat_line(entries, line)) problems.add(expected + ", got " + quote(line));
  }
  return entries;
}

// A sysctl: "131072", or more numbers with tabs between them.
Entries parse_sysctl(std::string_view content, FileProblems& /*problems*/) {
  Entries entries;
  for (const std::string_view word : split(content, " \t\n")) {
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

std::optional<std::uint64_t> number_of(const Entry& entry) {
  std::uint64_t number = 0;
  const char* const end = entry.value.data() + entry.value.size();
  const auto [stopped, error] = std::from_chars(entry.value.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

std::string expected_number(const Entry& entry) {
  const std::string as = entry.group.empty() ? "" : " as " + name_of(entry.group, entry.field);
  return "expected an unsigned number" + as + ", got " + quote(entry.value);
}

std::uint64_t pages_to_bytes(std::uint64_t pages) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return pages > kMost / page_bytes ? kMost : pages * page_bytes;
}

std::optional<std::uint64_t> value_of(const KernelValueRow& row, const Entries& entries,
                                      FileProblems& problems) {
  const Entry* const entry = find_entry(entries, row.group, row.field, row.position);
  if (entry == nullptr) {
    if (!row.group.empty()) return std::nullopt;
    problems.add("expected unsigned numbers, " + std::to_string(row.position + 1) + " at least");
    return std::nullopt;
  }
  const auto number = number_of(*entry);
  if (!number) problems.add(expected_number(*entry));
  return number && row.unit == ValueUnit::pages ? pages_to_bytes(*number) : number;
}

struct SourceFile {
  std::string_view name;
  Entries (*parse)(std::string_view content, FileProblems&);
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

void read_rows(const SourceFile& file, const std::filesystem::path& proc, KernelValues& result) {
  const auto path = path_below(proc, file.name);
  const auto text = file.required ? read_proc_file(path) : read_proc_file_if_exists(path);
  if (!text) return;
  FileProblems problems(path);
  const Entries entries = file.parse(text->content, problems);
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].file == file.name) result.values[i] = value_of(kRows[i], entries, problems);
  }
  problems.append_to(result.problems);
}

// Of sockstat or sockstat6, whatever its other lines are.
std::uint64_t number_in(const ProcFile& text, std::string_view group, std::string_view field) {
  FileProblems of_other_lines(text.path);
  const Entries entries = parse_sockstat(text.content, of_other_lines);
  const Entry* const entry = find_entry(entries, group, field);
  if (entry == nullptr) refuse(text.path, "expected " + name_of(group, field));
  const auto number = number_of(*entry);
  if (!number) refuse(text.path, expected_number(*entry));
  return *number;
}

}  // namespace

std::span<const KernelValueRow> kernel_value_rows() noexcept { return kRows; }

KernelValues read_kernel_values(const std::filesystem::path& proc) {
  KernelValues result;
  result.values.resize(kRows.size());
  for (const SourceFile& file : kFiles) {
    try {
      read_rows(file, proc, result);
    } catch (const std::runtime_error& error) {
      result.problems.emplace_back(error.what());
    }
  }
  return result;
}

std::uint64_t read_sockstat_sockets(const std::filesystem::path& proc) {
  const ProcFile ipv4 = read_proc_file(path_below(proc, kSockstat));
  const std::uint64_t sockets = number_in(ipv4, "TCP", "inuse") + number_in(ipv4, "TCP", "tw");
  const auto ipv6 = read_proc_file_if_exists(path_below(proc, kSockstat6));
  if (ipv6) return sockets + number_in(*ipv6, "TCP6", "inuse");
  if (is_there(path_below(proc, kIpv6Addresses))) {
    refuse(path_below(proc, kSockstat6), "expected, since there is if_inet6");
  }
  return sockets;
}

}  // namespace sockdiag
