// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "sockdiag/diagnosis/finding_texts.hpp"

namespace sockdiag {
namespace {

constexpr auto kStates = std::to_array<StateText>({
    {.state = TcpState::listen,
     .name = "LISTEN",
     .gloss = {"listening", "监听"},
     .meaning =
         {"Waits for connections to a port. Recv-Q of ss is the accept queue, Send-Q its limit.",
          "在端口上等待连接。ss 的 Recv-Q 是全连接队列长度，Send-Q 是它的上限。"},
     .http_server = {"The server's own port.", "服务器自己的端口。"},
     .http_client = {"None.", "没有。"},
     .normal = {"One or more for each service, for as long as it runs.",
                "每个服务一个或多个，服务运行期间一直存在。"},
     .problem = {"It is missing, or its accept queue is full.", "监听消失，或全连接队列已满。"},
     .who_acts = {"The application.", "应用。"},
     .source = "RFC 9293, 3.3.2"},
    {.state = TcpState::syn_sent,
     .name = "SYN_SENT",
     .gloss = {"SYN sent", "已发 SYN"},
     .meaning = {"We have sent a SYN, and nothing has come back yet.",
                 "已发出 SYN，还没有收到任何应答。"},
     .http_server = {"None, unless it calls a backend.", "没有，除非它在连接后端。"},
     .http_client = {"connect() is under way.", "正在 connect()。"},
     .normal = {"Milliseconds: one round trip.", "毫秒级：一个往返时间。"},
     .problem = {"Longer than 10 s (by default): no answer. The kernel gives up after about 131 s.",
                 "超过 10 秒（默认阈值）：没有应答。内核约 131 秒后放弃。"},
     .who_acts = {"The network, or the peer.", "网络或对端。"},
     .source = "kernel, ip-sysctl.rst, tcp_syn_retries and tcp_syn_linear_timeouts (6.5); measured "
               "on Linux 6.18"},
    {.state = TcpState::syn_recv,
     .name = "SYN_RECV",
     .gloss = {"half-open", "半连接"},
     .meaning =
         {"We have answered a SYN with a SYN-ACK; the ACK that completes the handshake is missing.",
          "已用 SYN-ACK 应答 SYN，还差完成握手的那个 ACK。"},
     .http_server = {"A handshake; no process knows of it yet.", "正在握手，还没有进程知道它。"},
     .http_client = {"None.", "没有。"},
     .normal = {"Milliseconds: one round trip.", "毫秒级：一个往返时间。"},
     .problem = {"Longer than 5 s (by default); it ends after about 63 s. Overload leaves almost "
                 "none of them: a full accept queue drops SYNs (since Linux 4.10).",
                 "超过 5 秒（默认阈值）；约 63 秒后结束。过载时几乎看不到它：全连接队列满时 SYN "
                 "直接被丢弃（Linux 4.10 起）。"},
     .who_acts = {"The network, or a filter upstream.", "网络，或上游的过滤设备。"},
     .source =
         "kernel, ip-sysctl.rst, tcp_synack_retries; snmp_counter.rst, TcpExtListenOverflows"},
    {.state = TcpState::established,
     .name = "ESTABLISHED",
     .gloss = {"open", "已建立"},
     .meaning = {"The connection is open; both sides may send.",
                 "连接已建立，双方都可以发送数据。"},
     .http_server = {"A request, idle keep-alive, or not accepted yet (ss -e: ino:0).",
                     "正在处理请求、空闲的 HTTP 长连接，或尚未 accept()（ss -e 显示 ino:0）。"},
     .http_client = {"In use, or idle in a pool.", "使用中，或在连接池里空闲。"},
     .normal = {"Any number.", "数量不限。"},
     .problem = {"It grows without more load, or its queues stand still.",
                 "负载没变却持续增长，或队列里的数据不动。"},
     .who_acts = {"The application.", "应用。"},
     .source = "RFC 9293, 3.3.2"},
    {.state = TcpState::fin_wait1,
     .name = "FIN_WAIT1",
     .gloss = {"our FIN is not acknowledged", "等待 FIN 的确认"},
     .meaning = {"We have closed first. Our FIN, or data before it, is not acknowledged yet.",
                 "本端主动关闭，FIN 或它之前的数据还没有被确认。"},
     .http_server = {"The end of an answer still drains after close().",
                     "close() 之后，应答的末尾还在发送。"},
     .http_client = {"The same, with a request.", "同样，只是发送的是请求。"},
     .normal = {"Milliseconds; longer in a slow download, whose Send-Q falls.",
                "毫秒级；慢速下载时更久，但 Send-Q 在减少。"},
     .problem = {"Send-Q stands still for more than 10 s (by default).",
                 "Send-Q 超过 10 秒（默认阈值）不变。"},
     .who_acts = {"The peer, or the network.", "对端或网络。"},
     .source = "RFC 9293, 3.6; net/ipv4/tcp_timer.c"},
    {.state = TcpState::fin_wait2,
     .name = "FIN_WAIT2",
     .gloss = {"waits for the peer's FIN", "等待对端 FIN"},
     .meaning = {"Our FIN is acknowledged; the peer has not closed its side yet.",
                 "本端的 FIN 已被确认，对端还没有关闭。"},
     .http_server = {"After close() at most 60 s, then the kernel ends it; after shutdown() there "
                     "is no limit.",
                     "close() 之后最多 60 秒，由内核结束；shutdown() 之后没有时限。"},
     .http_client = {"The same.", "同上。"},
     .normal = {"Short.", "很短。"},
     .problem = {"Longer than 90 s (by default) and held by a process.",
                 "超过 90 秒（默认阈值）且仍被进程持有。"},
     .who_acts = {"The peer has to close; we should set a timeout.",
                  "对端应当关闭；本端应设置超时。"},
     .source = "kernel, ip-sysctl.rst, tcp_fin_timeout"},
    {.state = TcpState::closing,
     .name = "CLOSING",
     .gloss = {"both closed at once", "同时关闭"},
     .meaning =
         {"Both sides closed at the same moment: the FINs crossed, and the ACK of ours is missing.",
          "双方同时关闭：两个 FIN 交错，本端 FIN 的 ACK 还没到。"},
     .http_server = {"Rare.", "少见。"},
     .http_client = {"Rare.", "少见。"},
     .normal = {"Milliseconds.", "毫秒级。"},
     .problem = {"Longer than 10 s (by default).", "超过 10 秒（默认阈值）。"},
     .who_acts = {"The network.", "网络。"},
     .source = "RFC 9293, 3.6"},
    {.state = TcpState::time_wait,
     .name = "TIME_WAIT",
     .gloss = {"the active closer waits", "主动关闭方等待"},
     .meaning = {"We have closed first, and all is done. For 60 s the pair of addresses and ports "
                 "is kept from late segments. No process and no descriptor is held.",
                 "本端主动关闭，一切已完成。保留四元组 60 "
                 "秒，防止迟到的报文混入新连接。不占进程和描述符。"},
     .http_server = {"It closes first: Connection: close, HTTP/1.0, or the end of keep-alive.",
                     "服务器主动关闭：Connection: close、HTTP/1.0，或长连接到期。"},
     .http_client = {"A connection for each request.", "每个请求新建连接。"},
     .normal = {"Yes, by the thousand.", "正常，成千上万也没关系。"},
     .problem = {"Local ports run out at a client, or net.ipv4.tcp_max_tw_buckets is reached.",
                 "客户端的临时端口耗尽，或达到 net.ipv4.tcp_max_tw_buckets。"},
     .who_acts = {"Whoever closes first.", "主动关闭的一方。"},
     .source = "RFC 9293, 3.6.1; include/net/tcp.h, TCP_TIMEWAIT_LEN"},
    {.state = TcpState::close_wait,
     .name = "CLOSE_WAIT",
     .gloss = {"waits for us to close", "等待本端关闭"},
     .meaning = {"The peer has sent its FIN; our application has not closed yet.",
                 "对端已发 FIN，本端应用还没有关闭。"},
     .http_server = {"The client has left, or has half-closed and waits for the answer.",
                     "客户端已离开，或半关闭后在等应答。"},
     .http_client = {"The server has closed an idle connection.", "服务器关闭了空闲连接。"},
     .normal = {"Milliseconds, or until the answer ends.", "毫秒级，或持续到应答结束。"},
     .problem = {"Longer than 60 s (by default): no timeout ever ends it.",
                 "超过 60 秒（默认阈值）：没有任何超时会结束它。"},
     .who_acts = {"Our application only.", "只有本端应用。"},
     .source = "RFC 9293, 3.6.1"},
    {.state = TcpState::last_ack,
     .name = "LAST_ACK",
     .gloss = {"waits for the last ACK", "等待最后的 ACK"},
     .meaning = {"The peer has closed first, we second; our FIN is not acknowledged yet.",
                 "对端先关闭，本端随后关闭，本端的 FIN 还没有被确认。"},
     .http_server = {"The client has vanished.", "客户端消失了。"},
     .http_client = {"The server has vanished.", "服务器消失了。"},
     .normal = {"Milliseconds.", "毫秒级。"},
     .problem = {"Longer than 10 s (by default). It ends after about 107 s, or 15 min if a process "
                 "holds it.",
                 "超过 10 秒（默认阈值）。约 107 秒后结束；若被进程持有则需 15 分钟。"},
     .who_acts = {"The network, or the peer.", "网络或对端。"},
     .source =
         "kernel, ip-sysctl.rst, tcp_orphan_retries and tcp_retries2; measured on Linux 6.18"},
    {.state = TcpState::close,
     .name = "CLOSE",
     .gloss = {"no connection", "已关闭"},
     .meaning = {"There is no connection: not opened yet, or over.",
                 "没有连接：尚未建立，或已经结束。"},
     .http_server = {"Invisible to ss and to the exporter.", "ss 和导出器都看不到。"},
     .http_client = {"Invisible to ss and to the exporter.", "ss 和导出器都看不到。"},
     .normal = {"Yes.", "正常。"},
     .problem = {"Descriptors kept after a RST: only sockdiag_tcp_allocated_sockets counts them.",
                 "RST 之后描述符仍未释放：只有 sockdiag_tcp_allocated_sockets 会计入。"},
     .who_acts = {"The application.", "应用。"},
     .source = "net/ipv4/tcp.c, tcp_set_state; measured on Linux 6.18"},
});

constexpr auto kRows = [] {
  std::array<std::size_t, kTcpStateCount> rows{};
  rows.fill(kStates.size());
  for (std::size_t i = 0; i < kStates.size(); ++i) rows[index_of(kStates[i].state)] = i;
  return rows;
}();
static_assert(std::find(kRows.begin(), kRows.end(), kStates.size()) == kRows.end(),
              "a state without texts");

}  // namespace

const StateText& text_of(TcpState state) noexcept { return kStates[kRows[index_of(state)]]; }
std::span<const StateText> state_texts() noexcept { return kStates; }

}  // namespace sockdiag
