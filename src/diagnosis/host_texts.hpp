// SPDX-License-Identifier: Apache-2.0
#pragma once

// Findings on queues of established connections, on limits of the whole host, and on what
// diagnosis cannot see.

#include "finding_row.hpp"

namespace sockdiag {

inline constexpr FindingRow kHostTexts[] = {
    {.id = FindingId::receive_queue_stuck,
     .title = {"Received data is not read", "接收队列积压"},
     .seen = {"{bytes} received and not read, and the amount does not fall: the senders have "
              "stopped and wait",
              "已接收但未读取的数据有 {bytes}，且没有减少：发送方已停下等待"},
     .meaning =
         {"The reading thread is blocked: a lock, a full internal queue, a slow disk or backend. "
          "The windows of the senders are closed and their requests hang.",
          "读取线程被阻塞：锁、内部队列已满、慢磁盘或慢后端。接收窗口已关闭，对端的请求都卡住了。"},
     .steps = {{"Take a thread dump of the reader that users: names.",
                "抓取 users: 所示读取进程的线程栈。"},
               {"See what it waits for: strace -f -p PID. Fix or bypass that.",
                "看它在等什么：strace -f -p PID。修复或绕开。"},
               {"Restart only after the dump.", "抓完栈再重启。"}},
     .avoid = {wrong(Wrong::larger_buffers)},
     .confirm = {see({"Unread data of connections that a process holds; run it several times",
                      "被进程持有的连接中的未读数据，多执行几次"},
                     "ss -Htnpe state established {filter} | awk '$1>0 && !/ino:0 /'")},
     .unlike = {{FindingId::acceptq_full,
                 {"ino:0: the data waits in connections that were not accepted.",
                  "显示 ino:0：数据在尚未被 accept() 的连接里。"}},
                {std::nullopt, {"Recv-Q moves: a slow upload.", "Recv-Q 在变化：是慢速上传。"}}},
     .runbook = "sockdiagreceivequeuestuck",
     .source = "RFC 9293, 3.8.6; measured on Linux 6.18"},
    {.id = FindingId::send_queue_stuck,
     .title = {"Peers do not read", "对端不读取数据，发送队列积压"},
     .seen =
         {"{bytes} written and not acknowledged on {sockets} connections, and the amount does not "
          "fall: the peers do not read",
          "已写入但未被确认的数据有 {bytes}，分布在 {sockets} 个连接上，且没有减少：对端不读取"},
     .meaning = {"The peers have closed their windows (zero window) or read slowly: a paused "
                 "player, a stuck consumer, an attack with slow readers. No timeout ends a "
                 "connection whose probes are answered.",
                 "对端窗口已关闭（零窗口）或读得很慢：播放器暂停、消费者卡住、慢速读取攻击。只要探"
                 "测有应答，就没有超时会断开连接。"},
     .steps = {{"Look at the peer: why does it not read?", "查对端：为什么不读取？"},
               {"Set a send timeout, or TCP_USER_TIMEOUT on the socket.",
                "设置发送超时，或在套接字上设置 TCP_USER_TIMEOUT。"},
               {"Drop consumers that are too slow.", "断开太慢的消费者。"}},
     .avoid = {wrong(Wrong::larger_buffers)},
     .confirm = {see({"Connections whose peer has closed its window", "对端窗口已关闭的连接"},
                     "ss -Htnpo state established {filter} | grep 'timer:(persist'")},
     .unlike = {{std::nullopt,
                 {"timer:(on,…,N) instead of timer:(persist: a lossy path.",
                  "显示 timer:(on,…,N) 而不是 timer:(persist：是链路丢包。"}},
                {FindingId::close_unacked,
                 {"FIN_WAIT1 or LAST_ACK: we have closed as well.",
                  "处于 FIN_WAIT1 或 LAST_ACK：我方也已关闭。"}}},
     .runbook = "sockdiagsendqueuestuck",
     .source = "RFC 9293, 3.8.6.1, MUST-37"},
    {.id = FindingId::orphans,
     .title = {"Too many orphans", "孤儿连接过多"},
     .seen = {"{orphans} sockets without a process still have data or a FIN to deliver, of {limit} "
              "allowed ({used_ratio})",
              "没有进程持有、但仍有数据或 FIN 待送达的套接字有 {orphans} 个，上限 "
              "{limit}（{used_ratio}）"},
     .meaning = {"The kernel counts an orphan up to 4 times, so from a quarter of "
                 "net.ipv4.tcp_max_orphans on it may reset them: the ends of answers are lost. "
                 "Host-wide: other network namespaces count.",
                 "内核最多按 4 倍计算孤儿连接，因此达到 net.ipv4.tcp_max_orphans "
                 "的四分之一就可能被复位，应答的末尾会丢失。整机统计：其他网络命名空间也算在内。"},
     .steps = {{"If a process with many connections has just ended, wait some minutes.",
                "如果刚有大量连接的进程退出，先等几分钟。"},
               {"See where the peers are: peers that vanish or do not read, or a broken path.",
                "看对端分布：对端消失、不读取，或链路中断。"},
               {"If net.ipv4.tcp_fin_timeout is above 60, put it back to 60.",
                "net.ipv4.tcp_fin_timeout 若大于 60，改回 60。"},
               {"If memory allows, raise net.ipv4.tcp_max_orphans: each may hold 64 KiB that "
                "cannot be swapped.",
                "内存允许就调大 net.ipv4.tcp_max_orphans：每个最多占 64 KiB 不可换出的内存。"}},
     .avoid = {wrong(Wrong::orphan_retries)},
     .confirm = {see({"The orphans of this network namespace", "本网络命名空间的孤儿连接"},
                     "ss -Htnoe state fin-wait-1 state closing state last-ack | grep 'ino:0 '"),
                 see({"Those in FIN_WAIT2, where net.ipv4.tcp_fin_timeout is above 60",
                      "net.ipv4.tcp_fin_timeout 大于 60 时，FIN_WAIT2 中的孤儿连接"},
                     "ss -Htnoe state fin-wait-2 | grep 'timer:(keepalive.*ino:0 '")},
     .unlike = {{FindingId::close_unacked,
                 {"One port alone, far from the limit of the whole host: check the path or the "
                  "peers of that port.",
                  "只涉及一个端口，离整机上限还远：查该端口的链路或对端。"}}},
     .runbook = "sockdiagorphansnearlimit",
     .source = "net/ipv4/tcp.c, tcp_check_oom; net/ipv4/tcp_timer.c, tcp_out_of_resources; "
               "measured on Linux 6.18"},
    {.id = FindingId::tcp_memory,
     .title = {"TCP memory short", "TCP 内存不足"},
     .seen = {"the buffers of all TCP sockets take {bytes} of {limit_bytes} ({used_ratio})[[; "
              "connections are reset for lack of memory at {aborts_per_second}]]",
              "所有 TCP 套接字的缓冲区占用 {bytes}，上限 {limit_bytes}（{used_ratio}）[[；每秒有 "
              "{aborts_per_second} 个连接因内存不足被复位]]"},
     .meaning = {"From the second number of net.ipv4.tcp_mem on the kernel makes windows and "
                 "buffers smaller and transfers become slower. At the third it drops what it "
                 "receives and resets orphans. Host-wide: other network namespaces count.",
                 "超过 net.ipv4.tcp_mem "
                 "的第二个值，内核开始缩小窗口和缓冲区，传输变慢；到第三个值则丢弃收到的数据并复位"
                 "孤儿连接。整机统计：其他网络命名空间也算在内。"},
     .steps = {{"Find who holds it: the longest queues, below.",
                "找出谁占用：用下面的命令看最长的队列。"},
               {"Long Recv-Q: fix or restart the reader that is stuck.",
                "Recv-Q 长：修复或重启卡住的读取方。"},
               {"Long Send-Q: cut off peers that do not read.", "Send-Q 长：断开不读取的对端。"},
               {"Ordinary load and memory to spare: raise net.ipv4.tcp_mem (in pages).",
                "负载正常且内存充裕：调大 net.ipv4.tcp_mem（单位为页）。"}},
     .avoid = {wrong(Wrong::larger_buffers)},
     .confirm = {see({"The longest receive queues", "最长的接收队列"},
                     "ss -Htnp state established state fin-wait-1 state fin-wait-2 state closing "
                     "state close-wait state last-ack | sort -rnk2 | head"),
                 see({"The longest send queues", "最长的发送队列"},
                     "ss -Htnp state established state fin-wait-1 state fin-wait-2 state closing "
                     "state close-wait state last-ack | sort -rnk3 | head")},
     .unlike = {{FindingId::receive_queue_stuck,
                 {"One port whose data nobody reads: often the cause.",
                  "某个端口的数据无人读取：往往就是起因。"}},
                {FindingId::send_queue_stuck,
                 {"One port whose peers do not read: the other usual cause.",
                  "某个端口的对端不读取：另一个常见起因。"}}},
     .runbook = "sockdiagtcpmemorynearlimit",
     .source = "kernel, ip-sysctl.rst, tcp_mem"},
    {.id = FindingId::sockets_hidden,
     .title = {"Sockets no dump shows", "存在不可见的套接字"},
     .seen = {"the kernel has {hidden} TCP sockets that no list shows, {growth} more than before",
              "内核中有 {hidden} 个任何列表都看不到的 TCP 套接字，比之前多 {growth} 个"},
     .meaning = {"A process keeps descriptors of connections that were reset, or of sockets that "
                 "were never connected. Sockets of containers count too, so only growth tells.",
                 "有进程保留着已被复位的连接或从未建立连接的套接字的描述符。容器里的套接字也计算在"
                 "内，所以只有增长才说明问题。"},
     .steps = {{"Find the process: for each suspect, ls -l /proc/PID/fd | grep -c socket:.",
                "找出进程：对可疑进程逐个执行 ls -l /proc/PID/fd | grep -c socket:。"},
               {"Compare with its limit: prlimit -n -p PID.", "与上限对比：prlimit -n -p PID。"},
               {"Restart one instance at a time; fix the error path that does not call close().",
                "逐个实例重启；修复没有调用 close() 的出错路径。"}},
     .avoid = {wrong(Wrong::search_with_ss), wrong(Wrong::keepalive)},
     .confirm = {see({"closed less timewait, in the line that begins with TCP:",
                      "以 TCP: 开头的那一行：closed 减去 timewait"},
                     "ss -s")},
     .unlike = {{std::nullopt,
                 {"The number rises once and stays: new containers.",
                  "数量只涨一次，之后不变：是新启动的容器。"}}},
     .runbook = "sockdiagsocketshidden",
     .source = "measured on Linux 6.18"},
    {.id = FindingId::blind,
     .title = {"Diagnosis is incomplete", "诊断数据不完整"},
     .seen = {"not everything was looked at[[; sources that fail:{?failing_sources}]]"
              "[[ tcp{?failing_tcp}]][[ listeners{?failing_listeners}]][[ kernel{?failing_kernel}]]"
              "[[ namespaces{?failing_namespaces}]]"
              "[[; sources whose sample is too old:{?stale_sources}]]"
              "[[ tcp{?stale_tcp}]][[ listeners{?stale_listeners}]][[ kernel{?stale_kernel}]]"
              "[[ namespaces{?stale_namespaces}]]"
              "[[; sockets whose age is not followed: "
              "{unfollowed}]][[; sockets without a port of their own: {folded}]][[ (on "
              "{folded_ports} ports)]]",
              "有些内容没有检查到[[；采样失败的来源有{?failing_sources}]]"
              "[[ tcp{?failing_tcp}]][[ listeners{?failing_listeners}]][[ kernel{?failing_kernel}]]"
              "[[ namespaces{?failing_namespaces}]]"
              "[[；采样过旧的来源有{?stale_sources}]]"
              "[[ tcp{?stale_tcp}]][[ listeners{?stale_listeners}]][[ kernel{?stale_kernel}]]"
              "[[ namespaces{?stale_namespaces}]]"
              "[[；未跟踪存活时间的套接字：{unfollowed}]][[；没有单独端口序列的套接字：{"
              "folded}]][[（涉及 {folded_ports} 个端口）]]"},
     .meaning = {"Findings may be missing. What is listed here is true; what is not listed is not "
                 "proved to be healthy.",
                 "可能有问题没有被发现。已列出的都属实；没有列出的，不能证明是健康的。"},
     .steps =
         {{"A source fails or is old: read journalctl -u sockdiag_exporter. It names the error.",
           "采样失败或过旧：查看 journalctl -u sockdiag_exporter，里面有具体错误。"},
          {"Sockets are not followed: deal with the pile first; if it is ordinary here, raise "
           "lifetimes.max_sockets.",
           "套接字未被跟踪：先处理堆积；若属正常规模，调大 lifetimes.max_sockets。"},
          {"Sockets without a port of their own: name the ports that matter in ports.inbound or "
           "ports.outbound, or raise ports.max_ports.",
           "没有单独端口序列：在 ports.inbound 或 ports.outbound 中写明重要端口，或调大 "
           "ports.max_ports。"}},
     .avoid = {wrong(Wrong::trust_silence)},
     .confirm = {see({"What the exporter says about its samples", "导出器对自身采样的统计"},
                     "curl -s localhost:10293/metrics | grep -E "
                     "'^sockdiag_(sample_|tcp_unfollowed|tcp_folded)'")},
     .unlike = {{std::nullopt,
                 {"Only \"Not checked\" is shown: this kernel lacks a value, or the host was not "
                  "watched long enough. All else was examined.",
                  "只显示“未检查”：此内核缺少所需数据，或观察时间不够。其余都已检查。"}}},
     .runbook = "blind",
     .source = "sockdiag_exporter, metrics"},
};

}  // namespace sockdiag
