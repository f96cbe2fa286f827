// SPDX-License-Identifier: Apache-2.0
#pragma once

// Findings on connections that are being closed, TIME_WAIT included.

#include "finding_row.hpp"

namespace sockdiag {

inline constexpr FindingRow kClosingTexts[] = {
    {.id = FindingId::close_unacked,
     .title = {"Our FIN is not acknowledged", "对端未确认我方的 FIN"},
     .seen = {"{fin_wait1} FIN_WAIT1, {last_ack} LAST_ACK and {closing} CLOSING older than "
              "{threshold_seconds}, while connections are opened at {opens_per_second}; the peers "
              "do not acknowledge our FIN, or the data before it",
              "{fin_wait1} 个 FIN_WAIT1、{last_ack} 个 LAST_ACK、{closing} 个 CLOSING 超过 "
              "{threshold_seconds}，而每秒新建 {opens_per_second} 个连接；对端没有确认我方的 FIN "
              "或它之前的数据"},
     .meaning =
         {"The peers have vanished, a firewall has forgotten the connections, the path loses "
          "packets, or the peers do not read. After close() the kernel gives up by itself within "
          "minutes; a socket that a process still holds takes some 15 minutes.",
          "对端消失、防火墙丢失了连接状态、链路丢包，或对端不读取数据。close() "
          "之后内核几分钟内会自行放弃；仍被进程持有的套接字约需 15 分钟。"},
     .steps = {{"See where the peers are. One network: the path to it, tcpdump -ni any host PEER.",
                "看对端分布。集中在一个网段：检查通往它的链路，tcpdump -ni any host PEER。"},
               {"All networks: the firewall or load balancer before us.",
                "各网段都有：查前面的防火墙或负载均衡。"},
               {"timer:(persist in ss: the peer does not read. Set a send timeout in the service.",
                "ss 显示 timer:(persist：对端不读取，给服务设置发送超时。"},
               {"Held by a process: it has to call close() after shutdown(), with a timeout.",
                "仍被进程持有：shutdown() 之后要在超时内调用 close()。"}},
     .avoid = {wrong(Wrong::orphan_retries), wrong(Wrong::restart_without_sockets)},
     .confirm = {see({"timer:(on,…,N): sent again N times", "timer:(on,…,N)：已重传 N 次"},
                     "ss -Htnpo state fin-wait-1 state closing state last-ack {filter}")},
     .unlike = {{std::nullopt,
                 {"Send-Q falls from one look to the next: slow downloads.",
                  "Send-Q 逐次减少：是慢速下载。"}},
                {FindingId::send_queue_stuck,
                 {"ESTABLISHED and timer:(persist: we have not closed, and the peer does not read.",
                  "ESTABLISHED 且显示 timer:(persist：我方尚未关闭，是对端不读取。"}}},
     .runbook = "sockdiaglastacklingering",
     .source = "RFC 9293, 3.6; net/ipv4/tcp_timer.c; measured on Linux 6.18"},
    {.id = FindingId::tw_server,
     .title = {"Server closes first", "服务端主动关闭连接"},
     .seen = {"connections end in TIME_WAIT here at {starts_per_second}, and are opened at "
              "{passive_opens_per_second}[[; {time_wait} sockets are in TIME_WAIT]]: the server "
              "closes after nearly every answer",
              "每秒 {starts_per_second} 个连接进入 TIME_WAIT，每秒新建 {passive_opens_per_second} "
              "个连接[[；现有 {time_wait} 个 TIME_WAIT]]：服务端几乎每次应答后都主动关闭"},
     .meaning = {"Each request pays for a handshake, with TLS for a costly one. Otherwise "
                 "harmless: inbound TIME_WAIT takes no local port and no descriptor, and a client "
                 "may use the same port again at once.",
                 "每个请求都要付出一次握手的代价，TLS 更贵。除此无害：入站 TIME_WAIT "
                 "不占临时端口和描述符，客户端可以立即复用同一端口。"},
     .steps =
         {{"Switch keep-alive on at the server; look for HTTP/1.0 clients and Connection: close.",
           "在服务端开启 HTTP 长连接；查找 HTTP/1.0 客户端和 Connection: close。"},
          {"Raise keepalive_requests and keepalive_timeout if they end connections early.",
           "若 keepalive_requests 或 keepalive_timeout 过早断开连接，就调大。"},
          {"Behind an nginx before 1.29.7: set keepalive in the upstream, proxy_http_version 1.1 "
           "and proxy_set_header Connection \"\".",
           "经由 1.29.7 之前的 nginx 访问：在 upstream 中设置 keepalive，并设置 proxy_http_version "
           "1.1 和 proxy_set_header Connection \"\"。"}},
     .avoid = {wrong(Wrong::tw_recycle), wrong(Wrong::fin_timeout),
               wrong(Wrong::tw_reuse_at_server), wrong(Wrong::fewer_tw_buckets),
               wrong(Wrong::linger_zero)},
     .confirm = {see(
         {"TIME_WAIT of this port, and the seconds left", "该端口的 TIME_WAIT 及剩余秒数"},
         "ss -Htno state time-wait {filter}")},
     .unlike =
         {{FindingId::tw_client,
           {"The connections are outbound: our client closes first, at the cost of local ports.",
            "连接是出站的：本机客户端主动关闭，消耗临时端口。"}}},
     .runbook = "tw_server",
     .source = "RFC 9112, 9.6; RFC 6191; measured on Linux 6.18"},
    {.id = FindingId::tw_client,
     .title = {"A connection per request", "每个请求新建连接"},
     .seen = {"connections end in TIME_WAIT at {starts_per_second}[[; {time_wait} sockets are in "
              "TIME_WAIT]]: the client opens a connection for each request and closes first",
              "每秒 {starts_per_second} 个连接进入 TIME_WAIT[[；现有 {time_wait} 个 "
              "TIME_WAIT]]：客户端为每个请求新建连接并主动关闭"},
     .meaning = {"Each TIME_WAIT keeps a local port for 60 s. There are enough ports so far; by "
                 "default 470 connections a second to one destination use up all of them.",
                 "每个 TIME_WAIT 占用一个临时端口 60 "
                 "秒。目前端口还够；默认情况下，对同一目的地每秒 470 个连接就会把端口用完。"},
     .steps = {{"Use one client with a pool and keep-alive instead of a connection per request.",
                "共用一个带连接池和 HTTP 长连接的客户端，不要每个请求新建连接。"},
               {"An nginx before 1.29.7 as the client: set keepalive in the upstream, "
                "proxy_http_version 1.1 and proxy_set_header Connection \"\".",
                "客户端是 1.29.7 之前的 nginx：在 upstream 中设置 keepalive，并设置 "
                "proxy_http_version 1.1 和 proxy_set_header Connection \"\"。"}},
     .avoid = {wrong(Wrong::tw_recycle), wrong(Wrong::fin_timeout), wrong(Wrong::linger_zero)},
     .confirm = {see(
         {"TIME_WAIT to this service, and the seconds left", "到该服务的 TIME_WAIT 及剩余秒数"},
         "ss -Htno state time-wait {filter}")},
     .unlike = {{FindingId::ports_short,
                 {"Local ports are short already: deal with that first.",
                  "临时端口已经紧张：先处理那一项。"}}},
     .runbook = "tw_client",
     .source = "RFC 9293, 3.6.1; RFC 9112, 9.3"},
    {.id = FindingId::tw_limit,
     .title = {"TIME_WAIT near its limit", "TIME_WAIT 接近上限"},
     .seen =
         {"{sockets} TIME_WAIT and orphaned FIN_WAIT2 of {limit} allowed ({used_ratio})[[; sockets "
          "are closed without TIME_WAIT at {overflows_per_second}]]",
          "TIME_WAIT 与 FIN_WAIT2 孤儿连接共 {sockets} 个，上限 {limit}（{used_ratio}）[[；每秒有 "
          "{overflows_per_second} 个套接字跳过 TIME_WAIT 直接关闭]]"},
     .meaning = {"At net.ipv4.tcp_max_tw_buckets the kernel closes sockets without TIME_WAIT. A "
                 "late segment of an old connection may then reach a new one, or a peer whose last "
                 "FIN was lost gets a RST.",
                 "达到 net.ipv4.tcp_max_tw_buckets 后，内核会跳过 TIME_WAIT "
                 "直接关闭。旧连接的迟到报文可能混入新连接，最后的 FIN 丢失的对端则会收到 RST。"},
     .steps = {{"Keep connections open: keep-alive at the server, a pool at the client.",
                "保持连接：服务端开启 HTTP 长连接，客户端使用连接池。"},
               {"If the limit was lowered in /etc/sysctl.d, put it back.",
                "若 /etc/sysctl.d 里调小过上限，改回去。"},
               {"If memory allows, double net.ipv4.tcp_max_tw_buckets: one TIME_WAIT takes some "
                "250 bytes.",
                "内存允许就把 net.ipv4.tcp_max_tw_buckets 翻倍：每个 TIME_WAIT 约占 250 字节。"}},
     .avoid = {wrong(Wrong::fewer_tw_buckets)},
     .confirm = {see({"How many sockets are in TIME_WAIT", "TIME_WAIT 套接字总数"},
                     "ss -Htn state time-wait | wc -l")},
     .unlike = {{FindingId::ports_short,
                 {"connect() fails with EADDRNOTAVAIL: local ports are short.",
                  "connect() 报 EADDRNOTAVAIL：缺的是临时端口。"}}},
     .runbook = "sockdiagtimewaitnearlimit",
     .source = "kernel, ip-sysctl.rst, tcp_max_tw_buckets"},
    {.id = FindingId::fin_wait2_held,
     .title = {"Peer never closes", "对端一直不关闭"},
     .seen = {"{lingering} FIN_WAIT2 older than {threshold_seconds} and held by a process, the "
              "oldest {oldest_seconds}: we have sent our FIN, the peer never closes",
              "{lingering} 个被进程持有的 FIN_WAIT2 超过 {threshold_seconds}，最长已持续 "
              "{oldest_seconds}：我方已发 FIN，对端一直不关闭"},
     .meaning = {"Our application has called shutdown() and waits for the end of the stream. The "
                 "peer has acknowledged and does not close; mostly it leaks CLOSE_WAIT. The kernel "
                 "has no timeout for a FIN_WAIT2 that a process holds.",
                 "本机应用调用了 shutdown()，在等流结束。对端已确认却不关闭，多半在泄漏 "
                 "CLOSE_WAIT。被进程持有的 FIN_WAIT2 没有内核超时。"},
     .steps = {{"Look for CLOSE_WAIT at the peer.", "到对端查 CLOSE_WAIT。"},
               {"Here: after shutdown() wait with a timeout, then call close().",
                "本机：shutdown() 之后带超时等待，然后调用 close()。"},
               {"A restart of either side frees them.", "重启任意一侧都能释放。"}},
     .avoid = {wrong(Wrong::fin_timeout)},
     .confirm = {see({"Those that a process holds", "被进程持有的套接字"},
                     "ss -Htnpe state fin-wait-2 {filter} | grep -v 'ino:0 '")},
     .unlike = {{std::nullopt,
                 {"ino:0: orphans, which the kernel ends by itself after net.ipv4.tcp_fin_timeout.",
                  "显示 ino:0：是孤儿连接，到 net.ipv4.tcp_fin_timeout 后内核自行结束。"}}},
     .runbook = "sockdiagfinwait2lingering",
     .source = "kernel, ip-sysctl.rst, tcp_fin_timeout"},
};

}  // namespace sockdiag
