// SPDX-License-Identifier: Apache-2.0
#pragma once

// Findings on connections that are being opened: accept queues, handshakes, SYNs of ours.

#include "finding_row.hpp"

namespace sockdiag {

inline constexpr FindingRow kInboundOpeningTexts[] = {
    {.id = FindingId::acceptq_full,
     .title = {"Accept queue full", "全连接队列已满"},
     .seen = {"the accept queue holds {length} connections at a limit of {limit} "
              "({utilization_ratio})[[; new connections are dropped at "
              "{drops_per_second}]][[{?stuck}; accept() is not called at all]]",
              "全连接队列中有 {length} 个连接，上限 {limit}（{utilization_ratio}）[[；每秒丢弃 "
              "{drops_per_second} 个新连接]][[{?stuck}；accept() 完全没有被调用]]"},
     .meaning = {"The service accepts more slowly than clients come. At the limit the kernel drops "
                 "SYNs silently: clients hang in SYN_SENT for seconds, then time out.",
                 "服务接受连接的速度跟不上。队列满时内核悄悄丢弃 SYN：客户端卡在 SYN_SENT "
                 "数秒，最终超时。"},
     .steps = {{"See whether it accepts at all: strace -f -e trace=accept,accept4 -p PID.",
                "先看它是否还在接受连接：strace -f -e trace=accept,accept4 -p PID。"},
               {"CPU idle: a lock, a slow backend, descriptors (EMFILE), or its own limit of "
                "connections.",
                "CPU 空闲：锁、慢后端、描述符耗尽（EMFILE）或服务自身的连接数限制。"},
               {"Take a thread dump before a restart.", "重启之前先抓取线程栈。"},
               {"CPU busy: more workers or instances, or shed load.",
                "CPU 繁忙：增加工作线程或实例，或限流。"}},
     .avoid = {wrong(Wrong::syn_backlog), wrong(Wrong::somaxconn_alone),
               wrong(Wrong::abort_on_overflow), wrong(Wrong::longer_queue)},
     .confirm = {see({"The full queues of this host: Recv-Q is above Send-Q, the limit",
                      "本机已满的队列：Recv-Q 大于 Send-Q（上限）"},
                     "ss -Hltnp | awk '$2>$3'"),
                 see({"Connections that wait in the queue", "在队列中等待的连接"},
                     "ss -Htne state established {filter} | grep 'ino:0 '")},
     .unlike = {{FindingId::syn_flood,
                 {"Many SYN_RECV: a flood. With a full accept queue there are hardly any.",
                  "SYN_RECV 很多才是洪水攻击；全连接队列满时几乎没有。"}},
                {FindingId::acceptq_bursts,
                 {"The queue is empty between bursts: the backlog is too short, the service is not "
                  "too slow.",
                  "突发之间队列是空的：只是积压上限太小，服务并不慢。"}}},
     .runbook = "sockdiagacceptqueuefull",
     .source = "kernel, snmp_counter.rst, TcpExtListenOverflows; measured on Linux 6.18"},
    {.id = FindingId::acceptq_bursts,
     .title = {"Backlog too short for bursts", "突发连接超出积压上限"},
     .seen = {"the accept queue reached {peak} connections at a limit of {limit} and is short "
              "again[[; new connections are dropped at {drops_per_second}]]",
              "全连接队列曾达到 {peak} 个连接，上限 {limit}，现已回落[[；每秒丢弃 "
              "{drops_per_second} 个新连接]]"},
     .meaning =
         {"The service keeps up on average. A burst of clients fills the queue for a moment, and "
          "clients that come then wait 1 s or longer before they send the next SYN.",
          "平均来看服务处理得过来，但突发连接会瞬间填满队列，此时到来的客户端要等 1 秒以上才会重传 "
          "SYN。"},
     .steps = {{"Raise the backlog that the service gives to listen() (nginx: backlog=, 511 by "
                "default).",
                "调大服务传给 listen() 的积压上限（nginx：backlog=，默认 511）。"},
               {"Raise net.core.somaxconn to the same number.",
                "把 net.core.somaxconn 调到同样大小。"},
               {"Restart or reload the service: the limit is read at listen().",
                "重启或重新加载服务：上限在调用 listen() 时读取。"}},
     .avoid = {wrong(Wrong::somaxconn_alone), wrong(Wrong::syn_backlog)},
     .confirm = {see({"Send-Q is the limit in force", "Send-Q 就是当前生效的上限"},
                     "ss -Hltn {filter}")},
     .unlike = {{FindingId::acceptq_full,
                 {"The queue stays full: the service does not keep up.",
                  "队列一直是满的：服务处理不过来。"}}},
     .runbook = "acceptq_bursts",
     .source = "kernel, ip-sysctl.rst, somaxconn (4096 since Linux 5.4, 128 before)"},
    {.id = FindingId::syn_flood,
     .title = {"SYN flood", "SYN 洪水攻击"},
     .seen =
         {"SYNs meet a full SYN queue at {queue_full_per_second} (answered with cookies: "
          "{cookies_per_second}), while connections are opened at {passive_opens_per_second}[[; "
          "{retransmitting} half-open connections had their SYN-ACK sent again]]",
          "每秒 {queue_full_per_second} 个 SYN 遇到已满的半连接队列（每秒以 cookie 应答 "
          "{cookies_per_second} 个），而每秒只建立 {passive_opens_per_second} "
          "个连接[[；{retransmitting} 个半连接重传过 SYN-ACK]]"},
     .meaning = {"Most SYNs never become connections. With SYN cookies real clients still get in; "
                 "without them their SYNs are dropped. SYN_RECV stops at the backlog plus 1 and "
                 "does not show how large the flood is.",
                 "大部分 SYN 永远不会变成连接。开启 SYN cookie 时正常客户端仍能连上；关闭时它们的 "
                 "SYN 会被丢弃。SYN_RECV 的数量最多到积压上限加 1，看不出攻击规模。"},
     .steps = {{"See that SYN cookies are on: sysctl -w net.ipv4.tcp_syncookies=1.",
                "确认 SYN cookie 已开启：sysctl -w net.ipv4.tcp_syncookies=1。"},
               {"Filter upstream: the provider's scrubbing, or a firewall with a SYN proxy.",
                "在上游过滤：运营商清洗，或带 SYN 代理的防火墙。"},
               {"Free the SYN queue sooner: sysctl -w net.ipv4.tcp_synack_retries=2.",
                "更快腾出半连接队列：sysctl -w net.ipv4.tcp_synack_retries=2。"}},
     .avoid = {wrong(Wrong::syn_backlog), wrong(Wrong::cookies), wrong(Wrong::ban_forged)},
     .confirm = {see(
         {"Half-open connections whose SYN-ACK was sent again", "重传过 SYN-ACK 的半连接"},
         "ss -Htno state syn-recv {filter} | awk -F'[(),]' '$4>0'")},
     .unlike = {{FindingId::acceptq_full,
                 {"Hardly any SYN_RECV, and the accept queue is full: the service is too slow.",
                  "几乎没有 SYN_RECV，而全连接队列已满：是服务太慢。"}},
                {FindingId::syn_backlog_short,
                 {"TcpExtSyncookiesRecv grows like TcpExtSyncookiesSent: the clients are real.",
                  "TcpExtSyncookiesRecv 与 TcpExtSyncookiesSent 增长相当：客户端是真实的。"}}},
     .runbook = "sockdiagsynflood",
     .source = "RFC 4987"},
    {.id = FindingId::syn_backlog_short,
     .title = {"Real clients get SYN cookies", "正常连接触发 SYN cookie"},
     .seen = {"SYN cookies are sent at {cookies_per_second}, and connections are opened at "
              "{passive_opens_per_second}: the clients are real, the SYN queue is too short",
              "每秒发出 {cookies_per_second} 个 SYN cookie，每秒建立 {passive_opens_per_second} "
              "个连接：客户端是真实的，半连接队列太短"},
     .meaning = {"More handshakes are under way than the SYN queue holds. Connections succeed, but "
                 "by cookie they lose TCP options where timestamps are off, and a lost last ACK "
                 "leaves the client waiting.",
                 "同时进行的握手超过了半连接队列的容量。连接能建立，但走 cookie "
                 "时若没有时间戳就会丢失 TCP 选项，最后的 ACK 一旦丢失，客户端只能干等。"},
     .steps =
         {{"Raise the backlog that the service gives to listen(): it limits the SYN queue as well.",
           "调大服务传给 listen() 的积压上限：它同时限制半连接队列。"},
          {"Raise net.core.somaxconn to the same number.", "把 net.core.somaxconn 调到同样大小。"},
          {"Restart or reload the service: the limit is read at listen().",
           "重启或重新加载服务：上限在调用 listen() 时读取。"}},
     .avoid = {wrong(Wrong::cookies), wrong(Wrong::syn_backlog)},
     .confirm =
         {see({"Send-Q is the limit in force", "Send-Q 就是当前生效的上限"}, "ss -Hltn {filter}"),
          see({"Cookies sent and received; run it twice", "发出与收回的 cookie 数，执行两次对比"},
              "nstat -az TcpExtSyncookiesSent TcpExtSyncookiesRecv")},
     .unlike = {{FindingId::syn_flood,
                 {"Hardly any cookie comes back: TcpExtSyncookiesRecv does not grow.",
                  "几乎没有 cookie 得到确认，TcpExtSyncookiesRecv 不增长：是攻击。"}}},
     .runbook = "syn_backlog_short",
     .source = "kernel, ip-sysctl.rst, tcp_syncookies"},
    {.id = FindingId::syn_unanswered,
     .title = {"Handshakes not completed", "握手未完成"},
     .seen = {"{lingering} SYN_RECV older than {threshold_seconds} from {prefixes} networks, while "
              "connections are opened at {passive_opens_per_second}; our SYN-ACKs get no answer",
              "{lingering} 个 SYN_RECV 超过 {threshold_seconds}，来自 {prefixes} "
              "个网段，而每秒建立 {passive_opens_per_second} 个连接；发出的 SYN-ACK 没有得到应答"},
     .meaning = {"Few networks: the path back loses packets, or somebody sends SYNs in the name of "
                 "a victim (reflection). Many networks: scanners, or the start of a flood. Some 12 "
                 "unanswered SYNs a minute are background noise of the Internet.",
                 "网段少：回程链路丢包，或有人冒用受害者地址发 "
                 "SYN（反射攻击）。网段多：扫描，或洪水攻击的开端。每分钟 12 个左右无应答的 SYN "
                 "只是互联网的背景噪声。"},
     .steps = {{"See what leaves and what comes back: tcpdump -ni any net CLIENT.",
                "看发出了什么、回来了什么：tcpdump -ni any net CLIENT。"},
               {"Some clients of the network are established: a lossy path. Check routes, "
                "rp_filter, MTU and firewalls.",
                "该网段有客户端已建立连接：链路丢包。检查路由、rp_filter、MTU 和防火墙。"},
               {"None is established: reflection. Let the provider filter; sysctl -w "
                "net.ipv4.tcp_synack_retries=2 reduces the harm.",
                "一个都没有：反射攻击。请运营商过滤；sysctl -w net.ipv4.tcp_synack_retries=2 "
                "可减轻危害。"}},
     .avoid = {wrong(Wrong::more_synack_retries), wrong(Wrong::ban_forged)},
     .confirm =
         {see({"Half-open connections whose SYN-ACK was sent again", "重传过 SYN-ACK 的半连接"},
              "ss -Htno state syn-recv {filter} | awk -F'[(),]' '$4>0'"),
          see({"Their networks (IPv4)", "它们所在的网段（IPv4）"},
              R"(ss -Htn state syn-recv {filter} | awk '{print $4}' | sed -E 's/\.[0-9]+:[0-9]+$//' | sort | uniq -c | sort -rn | head)"),
          see({"Whether those networks are established as well", "这些网段是否也有已建立的连接"},
              "ss -Htn state established {filter}")},
     .unlike = {{FindingId::syn_flood,
                 {"The SYN queue is full and cookies are sent: a flood.",
                  "半连接队列已满并在发送 cookie：是洪水攻击。"}},
                {FindingId::acceptq_full,
                 {"The accept queue is full: it is we who drop the last ACK of the handshake.",
                  "全连接队列已满：是本机丢弃了握手的最后一个 ACK。"}}},
     .runbook = "sockdiagsynrecvlingering",
     .source = "kernel, ip-sysctl.rst, tcp_synack_retries; measured on Linux 6.18"},
    {.id = FindingId::listener_lost,
     .title = {"Nothing listens on the port", "端口没有监听套接字"},
     .seen =
         {"no socket listens here[[ any more, for {lost_seconds}]]; new clients get \"Connection "
          "refused\"",
          "该端口没有监听套接字[[，已持续 {lost_seconds}]]；新客户端会收到 \"Connection refused\""},
     .meaning = {"The service has ended, crashed or failed to start. The kernel answers each SYN "
                 "with a RST, which leaves no socket behind.",
                 "服务已退出、崩溃或启动失败。内核用 RST 应答每个 SYN，不会留下任何套接字。"},
     .steps = {{"Read the log of the service: systemctl status, journalctl -u.",
                "查看服务日志：systemctl status、journalctl -u。"},
               {"Start it. \"Address already in use\": another process has the port.",
                "启动服务。若报 \"Address already in use\"，说明端口被别的进程占用。"}},
     .avoid = {wrong(Wrong::tune_for_refusals)},
     .confirm = {see({"No line: nothing listens", "没有输出：没有监听套接字"},
                     "ss -Hltn {filter}")},
     .unlike = {{std::nullopt,
                 {"A planned stop or a drain: take the port out of ports.inbound.",
                  "计划内停机或摘流：把端口从 ports.inbound 中去掉。"}}},
     .runbook = "sockdiaglistenergone",
     .source = "RFC 9293, 3.5.2; measured on Linux 6.18"},
};

inline constexpr FindingRow kOutboundOpeningTexts[] = {
    {.id = FindingId::syn_sent_unanswered,
     .title = {"Peer does not answer", "对端不应答 SYN"},
     .seen = {"{lingering} SYN_SENT older than {threshold_seconds}, the oldest {oldest_seconds}: "
              "the peer sends neither SYN-ACK nor RST",
              "{lingering} 个 SYN_SENT 超过 {threshold_seconds}，最长已持续 "
              "{oldest_seconds}：对端既不回 SYN-ACK 也不回 RST"},
     .meaning = {"The peer is down, a firewall drops, a route is missing, or its accept queue is "
                 "full. Each attempt holds a local port, a descriptor and often a thread, for "
                 "about 131 s by default.",
                 "对端宕机、防火墙丢弃、缺少路由，或对端全连接队列已满。每次尝试占一个临时端口、一"
                 "个描述符，往往还有一个线程，默认约 131 秒。"},
     .steps =
         {{"Try from here and from elsewhere: nc -vz -w 3 PEER PORT.",
           "从本机和别处分别尝试：nc -vz -w 3 PEER PORT。"},
          {"Only from here: ip route get PEER, firewall, NAT. From everywhere: look at the peer.",
           "只有本机不通：ip route get PEER、防火墙、NAT。哪里都不通：查对端。"},
          {"Take the peer out of the pool.", "把该对端从后端池中摘除。"},
          {"Give the client a connect timeout of seconds, and retries with a pause.",
           "给客户端设置秒级连接超时，重试要有间隔。"}},
     .avoid = {wrong(Wrong::wait_longer)},
     .confirm = {see({"SYNs without an answer, with the process", "没有应答的 SYN 及其进程"},
                     "ss -Htnpo state syn-sent {filter}")},
     .unlike = {{FindingId::connect_refused,
                 {"A RST comes back at once, and no SYN_SENT stays: nothing listens there.",
                  "立即收到 RST，没有 SYN_SENT 滞留：对端没有进程在监听。"}}},
     .runbook = "sockdiagsynsentlingering",
     .source = "kernel, ip-sysctl.rst, tcp_syn_retries; measured on Linux 6.18"},
    {.id = FindingId::connect_refused,
     .title = {"Connections refused", "连接被拒绝"},
     .seen = {"connections fail at {failures_per_second}, of {active_opens_per_second} that are "
              "opened: the peer answers with a RST, nothing listens there",
              "每秒 {failures_per_second} 个连接失败，每秒发起 {active_opens_per_second} "
              "个：对端回 RST，那里没有进程在监听"},
     .meaning =
         {"A backend has ended, or the client has a wrong address or port. A refused attempt "
          "leaves no socket, so only counters show it.",
          "后端已退出，或客户端的地址、端口配错了。被拒绝的连接不会留下套接字，只有计数器能看到。"},
     .steps = {{"Find the address in the client's log: \"Connection refused\".",
                "在客户端日志里找 \"Connection refused\" 及其地址。"},
               {"Start the service there, or take the address out of the pool.",
                "启动那里的服务，或从后端池中摘除该地址。"},
               {"Retries need a pause.", "重试要有间隔。"}},
     .avoid = {wrong(Wrong::tune_for_refusals)},
     .confirm = {see({"There is no socket to show; run this twice", "没有套接字可看，执行两次对比"},
                     "nstat -az TcpAttemptFails TcpActiveOpens")},
     .unlike = {{FindingId::syn_sent_unanswered,
                 {"SYN_SENT piles up: the peer does not answer at all.",
                  "SYN_SENT 堆积：对端完全不应答。"}}},
     .runbook = "sockdiagconnectionsrefused",
     .source = "RFC 9293, 3.5.2; kernel, snmp_counter.rst; measured on Linux 6.18"},
    {.id = FindingId::ports_short,
     .title = {"Local ports run out", "临时端口即将耗尽"},
     .seen = {"{used} of {available} local ports are in use[[{!scope_all} to one "
              "destination]][[{?scope_all} over all destinations]] ({used_ratio})[[; {time_wait} "
              "outbound sockets are in TIME_WAIT]]",
              "[[{!scope_all}到同一目的地]][[{?scope_all}到所有目的地]]已用 {used} 个临时端口，共 "
              "{available} 个（{used_ratio}）[[；出站 TIME_WAIT 共 {time_wait} 个]]"},
     .meaning = {"Each connection takes a local port until TIME_WAIT is over. Without a free one "
                 "connect() fails with EADDRNOTAVAIL, to this destination only; bind() before "
                 "connect() fails with EADDRINUSE whatever the destination.",
                 "每个连接都占用一个临时端口，直到 TIME_WAIT 结束。没有空闲端口时，connect() "
                 "到该目的地会报 EADDRNOTAVAIL，其他目的地不受影响；先 bind() 再 connect() "
                 "的程序则不论目的地都报 EADDRINUSE。"},
     .steps = {{"If nothing listens above the range (ss -Hltn '( sport >= :61000 )' shows no "
                "line), widen it at once: sysctl -w net.ipv4.ip_local_port_range='32768 65535'.",
                "范围之上没有监听时（ss -Hltn '( sport >= :61000 )' 无输出），立即扩大范围：sysctl "
                "-w net.ipv4.ip_local_port_range='32768 65535'。"},
               {"If TIME_WAIT holds them and both ends have timestamps: sysctl -w "
                "net.ipv4.tcp_tw_reuse=1.",
                "端口被 TIME_WAIT 占用且两端都有时间戳：sysctl -w net.ipv4.tcp_tw_reuse=1。"},
               {"Then the cure: keep-alive and a pool with a limit.",
                "然后治本：HTTP 长连接加有上限的连接池。"},
               {"Or more source addresses, destination addresses or destination ports.",
                "或增加源地址、目的地址、目的端口。"}},
     .avoid = {wrong(Wrong::tw_recycle), wrong(Wrong::fin_timeout), wrong(Wrong::fewer_tw_buckets),
               wrong(Wrong::range_from_1024), wrong(Wrong::no_timestamps)},
     .confirm = {see(
         {"The busiest sources and destinations", "占用最多的源地址与目的地"},
         R"(ss -Htn state established state syn-sent state fin-wait-1 state fin-wait-2 state closing state time-wait state close-wait state last-ack | awk '{sub(/:[0-9]+$/,"",$4);print $4,$5}' | sort | uniq -c | sort -rn | head -3)")},
     .unlike =
         {{std::nullopt,
           {"net.ipv4.tcp_tw_reuse is in force (loopback: by default), and TIME_WAIT settles at "
            "half the range: healthy.",
            "net.ipv4.tcp_tw_reuse 生效时（环回默认生效），TIME_WAIT 稳定在范围的一半：正常。"}},
          {FindingId::tw_client,
           {"Most ports are still free: a waste, no shortage yet.",
            "大部分端口还空闲：只是浪费，尚未短缺。"}}},
     .runbook = "sockdiagephemeralportsnearexhaustion",
     .source = "kernel, ip-sysctl.rst, ip_local_port_range; RFC 6191; measured on Linux 6.18"},
};

}  // namespace sockdiag
