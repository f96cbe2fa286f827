// SPDX-License-Identifier: Apache-2.0
#pragma once

// Findings on CLOSE_WAIT: the peer has closed and our application has not.

#include "finding_row.hpp"

namespace sockdiag {

inline constexpr FindingRow kCloseWaitTexts[] = {
    {.id = FindingId::cw_in_not_closed,
     .title = {"Service never closes", "服务未调用 close()，描述符泄漏"},
     .seen = {"{sockets} CLOSE_WAIT, {lingering} older than {threshold_seconds}, the oldest "
              "{oldest_seconds}[[, up from {before} 15 min ago]]; the end of the stream was read "
              "and close() never called: a descriptor leak in the process that listens there",
              "{sockets} 个 CLOSE_WAIT，{lingering} 个超过 {threshold_seconds}，最长已持续 "
              "{oldest_seconds}[[，15 分钟前为 {before} 个]]；流结束（EOF）已读到，却从未调用 "
              "close()：监听该端口的进程有描述符泄漏"},
     .meaning = {"Clients have closed, the application has seen it and keeps the descriptor. No "
                 "timeout ends CLOSE_WAIT: when descriptors run out, accept() and open() fail with "
                 "EMFILE. A client that gets the same local port again cannot connect.",
                 "客户端已关闭，应用也读到了 EOF，却没有释放描述符。CLOSE_WAIT "
                 "没有任何超时：描述符耗尽后，accept() 和 open() 都会因 EMFILE "
                 "失败。客户端若再次用到同一个本地端口，也会连不上。"},
     .steps = {{"Work out when it fails: compare ls /proc/PID/fd | wc -l with prlimit -n -p PID.",
                "估算还能撑多久：对比 ls /proc/PID/fd | wc -l 与 prlimit -n -p PID。"},
               {"Keep the evidence: the sockets shown by ss, a stack or thread dump.",
                "保留现场：ss 的输出、线程栈。"},
               {"If little is left, restart one instance at a time, or roll back.",
                "余量不多时逐个实例重启，或回滚版本。"},
               {"Fix the code paths that return without close(): errors, timeouts, exceptions.",
                "修复没有调用 close() 就返回的路径：出错、超时、异常。"}},
     .avoid = {wrong(Wrong::fin_timeout), wrong(Wrong::tw_reuse_at_server), wrong(Wrong::keepalive),
               wrong(Wrong::more_descriptors)},
     .confirm = {see({"The leaked sockets and their process (Recv-Q 0)",
                      "泄漏的套接字及其进程（Recv-Q 为 0）"},
                     "ss -Htnpe state close-wait {filter} | awk '$1==0'"),
                 see({"When each was last sent data (lastsnd, in ms)",
                      "每个套接字上次发送数据距今多久（lastsnd，毫秒）"},
                     "ss -Htni state close-wait {filter}")},
     .unlike = {{std::nullopt,
                 {"A small lastsnd: half-closed clients and tunnels that are still being served.",
                  "lastsnd 很小：是仍在传输数据的半关闭客户端或隧道。"}},
                {FindingId::cw_in_unread,
                 {"Recv-Q above 0: not even the end of the stream was read.",
                  "Recv-Q 大于 0：连流结束都没有读到。"}}},
     .runbook = "sockdiagclosewaitlingering",
     .source = "RFC 9293, 3.6.1; Cloudflare, This is strictly a violation of the TCP specification "
               "(2016)"},
    {.id = FindingId::cw_in_unread,
     .title = {"Workers do not read", "工作线程不读取数据"},
     .seen = {"{sockets} CLOSE_WAIT, {lingering} older than {threshold_seconds}, the oldest "
              "{oldest_seconds}; the client has closed and what it sent was never read: the "
              "process that listens there is stuck, or does not watch its idle connections",
              "{sockets} 个 CLOSE_WAIT，{lingering} 个超过 {threshold_seconds}，最长已持续 "
              "{oldest_seconds}"
              "；客户端已关闭，但它发来的内容一直没有被读取：监听该端口的进程卡住了，或没有关注空闲"
              "连接"},
     .meaning = {"Data is waiting that nobody reads: workers hang in a lock or a slow backend. "
                 "Where only the end of the stream waits (Recv-Q 1, with TLS also a close_notify "
                 "or GOAWAY), nobody watches an idle connection.",
                 "有数据等着，却没有人读：工作线程卡在锁或慢后端上。如果只剩流结束未读（Recv-Q 为 "
                 "1，TLS 连接还有 close_notify 或 GOAWAY 报文），则是空闲连接无人关注。"},
     .steps = {{"Take a thread dump of the process, before anything else.",
                "先抓取该进程的线程栈。"},
               {"See what the workers wait for: strace -f -p PID. Fix or bypass the slow backend.",
                "看工作线程在等什么：strace -f -p PID。修复或绕开慢后端。"},
               {"Set timeouts on backends, and an idle timeout on connections.",
                "给后端调用设超时，给连接设空闲超时。"},
               {"Only then restart.", "做完这些再重启。"}},
     .avoid = {wrong(Wrong::keepalive)},
     .confirm = {see({"Unread data, with the process", "未读的数据及其进程"},
                     "ss -Htnpe state close-wait {filter} | awk '$1>1 && !/ino:0 /'"),
                 see({"Only the end of the stream is unread", "只有流结束未读"},
                     "ss -Htnpe state close-wait {filter} | awk '$1==1 && !/ino:0 /'")},
     .unlike = {{FindingId::cw_in_not_accepted,
                 {"ino:0 and no process: accept() was never called.",
                  "显示 ino:0 且没有进程：accept() 从未被调用。"}},
                {FindingId::cw_in_not_closed,
                 {"Recv-Q 0: all was read, and the descriptor leaks.",
                  "Recv-Q 为 0：数据已读完，是描述符泄漏。"}}},
     .runbook = "sockdiagclosewaitlingering",
     .source = "RFC 9293, 3.6.1"},
    {.id = FindingId::cw_in_not_accepted,
     .title = {"Clients gave up before accept()", "连接未被 accept()，客户端已放弃"},
     .seen = {"{sockets} CLOSE_WAIT that were never accepted, {lingering} older than "
              "{threshold_seconds}, the oldest {oldest_seconds}; the clients gave up while they "
              "waited in the accept queue",
              "{sockets} 个 CLOSE_WAIT 从未被 accept()，{lingering} 个超过 "
              "{threshold_seconds}，最长已持续 "
              "{oldest_seconds}；客户端在全连接队列里等不到服务，已经放弃"},
     .meaning =
         {"The loop that calls accept() is stuck, or all workers are busy. New connections wait "
          "behind ones that nobody needs any more.",
          "调用 accept() 的循环卡住了，或工作线程全部占满。新来的连接排在早已没人要的连接后面。"},
     .steps = {{"See whether the process accepts: strace -f -e trace=accept,accept4 -p PID.",
                "看进程是否还在接受连接：strace -f -e trace=accept,accept4 -p PID。"},
               {"Check its descriptors (EMFILE), its CPU and its own limit of connections.",
                "检查描述符（EMFILE）、CPU 和服务自身的连接数限制。"},
               {"Take a thread dump; then restart it if it hangs, or add workers, or shed load.",
                "抓取线程栈；卡死则重启，否则增加工作线程或限流。"}},
     .avoid = {wrong(Wrong::longer_queue), wrong(Wrong::somaxconn_alone)},
     .confirm = {see({"Those that no process holds", "没有进程持有的套接字"},
                     "ss -Htne state close-wait {filter} | grep 'ino:0 '")},
     .unlike = {{FindingId::cw_in_not_closed,
                 {"A process holds them (ino is not 0): it leaks them.",
                  "有进程持有（ino 不为 0）：是该进程泄漏。"}}},
     .runbook = "sockdiagclosewaitlingering",
     .source = "net/ipv4/inet_diag.c: no inode before accept(); measured on Linux 6.18"},
    {.id = FindingId::cw_out_unread_eof,
     .title = {"Stale pooled connections", "连接池中的失效连接"},
     .seen = {"{sockets} CLOSE_WAIT, {lingering} older than {threshold_seconds}, the oldest "
              "{oldest_seconds}; the server closed idle connections and our pool has not noticed",
              "{sockets} 个 CLOSE_WAIT，{lingering} 个超过 {threshold_seconds}，最长已持续 "
              "{oldest_seconds}；服务器关闭了空闲连接，本机连接池尚未察觉"},
     .meaning = {"A pool keeps idle connections longer than the server or a load balancer does. "
                 "Harmless while the number stays; the next request on such a connection may fail.",
                 "连接池保留空闲连接的时间比服务器或负载均衡更长。数量不变就没有害处，但下一个用到"
                 "这种连接的请求可能失败。"},
     .steps = {{"Set the idle time of the pool below that of the server and of the load balancer.",
                "把连接池的空闲时间设得比服务器和负载均衡都短。"},
               {"Let the pool evict closed connections and check a connection before use.",
                "让连接池清理已关闭的连接，并在使用前检查。"},
               {"Retry idempotent requests once on a new connection.",
                "幂等请求失败后换新连接重试一次。"}},
     .avoid = {wrong(Wrong::page_for_a_pool)},
     .confirm = {see({"Only the end of the stream is unread", "只有流结束未读"},
                     "ss -Htnpe state close-wait {filter} | awk '$1==1'"),
                 see({"With TLS: only a close_notify or GOAWAY and the end of the stream are "
                      "unread, by their length",
                      "TLS 连接：只有 close_notify 或 GOAWAY 报文和流结束未读（按长度识别）"},
                     "ss -Htnpe state close-wait {filter} | awk '$1 ~ "
                     "/^(17|24|25|32|54|58|62|64|69|70|71|78|85|86|100|103|124)$/'")},
     .unlike = {{FindingId::cw_out_leak,
                 {"The number grows: a leak. The number of a pool stays the same.",
                  "数量持续增长是泄漏；连接池的数量保持不变。"}}},
     .runbook = "sockdiagclosewaitlingeringoutbound",
     .source = "RFC 9112, 9.3; Apache HttpClient, connection management"},
    {.id = FindingId::cw_out_leak,
     .title = {"Client leaks connections", "客户端泄漏连接"},
     .seen = {"{sockets} CLOSE_WAIT, {lingering} older than {threshold_seconds}, the oldest "
              "{oldest_seconds}[[, up from {before} 15 min ago]]; the server has closed and our "
              "client never does",
              "{sockets} 个 CLOSE_WAIT，{lingering} 个超过 {threshold_seconds}，最长已持续 "
              "{oldest_seconds}[[，15 分钟前为 {before} 个]]；服务器已关闭，本机客户端一直不关闭"},
     .meaning = {"Mostly an HTTP client that does not read and close the body of each answer, or "
                 "makes a client object for each request. Each socket holds a descriptor and a "
                 "local port, and no timeout ends it.",
                 "多半是 HTTP "
                 "客户端没有读完并关闭应答体，或每个请求都新建客户端对象。每个套接字占一个描述符和"
                 "一个临时端口，没有任何超时会结束它。"},
     .steps =
         {{"Find the process in users: and compare ls /proc/PID/fd | wc -l with prlimit -n -p PID.",
           "在 users: 中找到进程，对比 ls /proc/PID/fd | wc -l 与 prlimit -n -p PID。"},
          {"Keep the output of ss and a thread dump; restart the client if little is left.",
           "保留 ss 输出和线程栈；余量不多时重启客户端。"},
          {"Read and close every body, after errors as well; share one client with a limited pool.",
           "每个应答体都要读完并关闭，出错时也一样；共用一个带上限连接池的客户端。"}},
     .avoid = {wrong(Wrong::keepalive), wrong(Wrong::more_descriptors)},
     .confirm = {see(
         {"Those that are no idle pool; with TLS also those with a close_notify or GOAWAY",
          "不属于空闲连接池的套接字；TLS 连接还包括带 close_notify 或 GOAWAY 报文的"},
         "ss -Htnpe state close-wait {filter} | awk '$1!=1'")},
     .unlike =
         {{FindingId::cw_out_unread_eof,
           {"Only the end of the stream is unread, and the number stays the same: an idle pool.",
            "只有流结束未读，且数量不变：是空闲连接池。"}}},
     .runbook = "sockdiagclosewaitgrowingoutbound",
     .source = "RFC 9293, 3.6.1"},
};

}  // namespace sockdiag
