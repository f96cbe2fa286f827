// SPDX-License-Identifier: Apache-2.0
#pragma once

// Advice that is often given for TCP sockets and wrong, and what is true instead.

#include <array>
#include <cstddef>
#include <cstdint>

#include "sockdiag/diagnosis/finding_texts.hpp"

namespace sockdiag {

// In the order of the table.
enum class Wrong : std::uint8_t {
  tw_recycle,
  fin_timeout,
  tw_reuse_at_server,
  fewer_tw_buckets,
  linger_zero,
  keepalive,
  syn_backlog,
  somaxconn_alone,
  abort_on_overflow,
  cookies,
  orphan_retries,
  more_descriptors,
  range_from_1024,
  no_timestamps,
  longer_queue,
  page_for_a_pool,
  restart_without_sockets,
  ban_forged,
  more_synack_retries,
  wait_longer,
  tune_for_refusals,
  larger_buffers,
  search_with_ss,
  trust_silence
};

inline constexpr auto kWrongAdvice = std::to_array<WrongAdvice>({
    {{"Set net.ipv4.tcp_tw_recycle to 1", "把 net.ipv4.tcp_tw_recycle 设为 1"},
     {"Linux 4.12 removed it, because it broke clients behind NAT.",
      "它会让 NAT 后面的客户端连不上，已在 Linux 4.12 中删除。"},
     "Linux commit 4396e46187ca"},
    {{"Lower net.ipv4.tcp_fin_timeout", "调小 net.ipv4.tcp_fin_timeout"},
     {"It ends FIN_WAIT2 that no process holds, and nothing else. TIME_WAIT is fixed at 60 s: with "
      "a setting of 5 s it still lasted 61 s. No timeout ends CLOSE_WAIT.",
      "它只结束没有进程持有的 FIN_WAIT2。TIME_WAIT 固定为 60 秒：实测设为 5 秒，仍持续 61 "
      "秒。CLOSE_WAIT 没有任何超时。"},
     "include/net/tcp.h, TCP_TIMEWAIT_LEN; measured on Linux 6.18"},
    {{"Set net.ipv4.tcp_tw_reuse to 1 at a server", "在服务端把 net.ipv4.tcp_tw_reuse 设为 1"},
     {"It affects outgoing connections only: at a server all of 50 TIME_WAIT stayed. It needs "
      "timestamps on both ends and waits 1 s (net.ipv4.tcp_tw_reuse_delay since Linux 6.14). Its "
      "default, 2, is for loopback.",
      "它只对出站连接有效：实测服务端 50 个 TIME_WAIT 一个不少。它要求两端都开启时间戳，并等待 1 "
      "秒（Linux 6.14 起由 net.ipv4.tcp_tw_reuse_delay 决定）。默认值 2 只用于环回。"},
     "Linux commit 79e9fed46038; kernel, ip-sysctl.rst; measured on Linux 6.18"},
    {{"Lower net.ipv4.tcp_max_tw_buckets", "调小 net.ipv4.tcp_max_tw_buckets"},
     {"Sockets then skip TIME_WAIT and are closed, and segments of old connections may reach new "
      "ones. The kernel's manual forbids it.",
      "这样套接字会跳过 TIME_WAIT 直接关闭，旧连接的报文就可能混入新连接。内核文档明令禁止。"},
     "kernel, ip-sysctl.rst, tcp_max_tw_buckets"},
    {{"Set SO_LINGER with a timeout of 0", "设置超时为 0 的 SO_LINGER"},
     {"close() then sends a RST: what was not sent yet is lost.",
      "close() 会直接发送 RST，尚未发出的数据全部丢失。"},
     "net/ipv4/tcp.c, tcp_close"},
    {{"Count on keepalive, or end the sockets with ss -K",
      "指望 TCP 保活，或用 ss -K 结束这些套接字"},
     {"Keepalive is off unless the application switches it on, and ends a connection only if the "
      "peer is gone. After either of them the socket leaves every list while the descriptor stays: "
      "the leak goes on unseen.",
      "TCP "
      "保活默认关闭，须由应用开启，且只有对端失联时才会断开连接。无论用哪种办法，套接字都会从所有列"
      "表中消失，描述符却还在：泄漏只是被藏了起来。"},
     "RFC 9293, 3.8.4; measured on Linux 6.18"},
    {{"Raise net.ipv4.tcp_max_syn_backlog", "调大 net.ipv4.tcp_max_syn_backlog"},
     {"It counts only while SYN cookies are off. With them the backlog of listen() limits the SYN "
      "queue as well.",
      "它只在关闭 SYN cookie 时才起作用；开启时，半连接队列同样受 listen() 的积压上限限制。"},
     "net/ipv4/tcp_input.c, tcp_conn_request"},
    {{"Raise net.core.somaxconn alone", "只调大 net.core.somaxconn"},
     {"The limit is the smaller of it and the backlog that the service gives to listen() (nginx: "
      "511), read when listen() is called. Raise both and restart the service.",
      "实际上限取它与服务传给 listen() 的积压上限（nginx 为 511）中较小者，并且在调用 listen() "
      "时读取。两者都要调大，再重启服务。"},
     "kernel, ip-sysctl.rst, somaxconn; listen(2)"},
    {{"Set net.ipv4.tcp_abort_on_overflow to 1", "把 net.ipv4.tcp_abort_on_overflow 设为 1"},
     {"A full queue drops SYNs just as silently with it: 9 of 12 clients hung either way. It "
      "resets only handshakes under way, after their connect() has succeeded.",
      "队列满时 SYN 照样被悄悄丢弃：实测设与不设，12 个客户端中都有 9 "
      "个卡住。它只复位正在进行的握手，而那时客户端的 connect() 已经成功返回。"},
     "measured on Linux 6.18"},
    {{"Switch SYN cookies off, or count on them as capacity", "关闭 SYN cookie，或把它当作容量"},
     {"Without them a full SYN queue drops the SYNs of real clients. With them connections are "
      "served in an emergency; the kernel's manual forbids them as a means against ordinary load.",
      "关闭后，半连接队列一满，正常客户端的 SYN "
      "就会被丢弃。它只是应急手段，内核文档明令禁止用它来应付正常负载。"},
     "kernel, ip-sysctl.rst, tcp_syncookies"},
    {{"Set net.ipv4.tcp_orphan_retries to 3", "把 net.ipv4.tcp_orphan_retries 设为 3"},
     {"Answers that the peer has not acknowledged then die after 7 s of silence instead of 107 s, "
      "for every client whose path breaks for a moment.",
      "对端沉默 7 秒（而不是 107 "
      "秒）后，尚未确认的应答就会被丢弃；任何客户端的网络短暂中断都会受影响。"},
     "measured on Linux 6.18"},
    {{"Raise the limit of descriptors (nofile)", "调大描述符上限（nofile）"},
     {"The leak reaches the new limit as well. It buys time, no more.",
      "泄漏迟早会耗尽新的上限，只是拖延时间。"},
     "getrlimit(2)"},
    {{"Let net.ipv4.ip_local_port_range begin at 1024",
      "让 net.ipv4.ip_local_port_range 从 1024 开始"},
     {"Connections then take the ports of services, which cannot start while one is taken. Reserve "
      "such ports in net.ipv4.ip_local_reserved_ports first.",
      "出站连接会占用服务的端口，被占期间服务无法启动。须先用 net.ipv4.ip_local_reserved_ports "
      "保留这些端口。"},
     "kernel, ip-sysctl.rst, ip_local_reserved_ports"},
    {{"Set net.ipv4.tcp_timestamps to 0", "把 net.ipv4.tcp_timestamps 设为 0"},
     {"Without timestamps PAWS does not protect connections, and net.ipv4.tcp_tw_reuse does "
      "nothing.",
      "没有时间戳就没有 PAWS 保护，net.ipv4.tcp_tw_reuse 也完全失效。"},
     "RFC 7323, 5; measured on Linux 6.18"},
    // Those that tempt at one finding or two.
    {{"Just lengthen the queue", "只加长队列"},
     {"A longer queue before a service that does not keep up makes clients wait longer for an "
      "answer that they no longer want.",
      "服务处理不过来时，队列越长，客户端等得越久，等到的应答也早已没人要了。"},
     "kernel, snmp_counter.rst, TcpExtListenOverflows"},
    {{"Page someone although the number does not grow", "数量没有增长也呼叫值班人员"},
     {"A pool may well hold as many connections. They do no harm until they are used; only growth "
      "is a leak.",
      "连接池里有这么多连接很正常，不用就没有害处；数量持续增长才是泄漏。"},
     "RFC 9112, 9.3"},
    {{"Restart a service that holds none of them", "重启并未持有这些套接字的服务"},
     {"Where ss -p names no process, the service has closed them already. The kernel waits for the "
      "peer, and a restart changes nothing.",
      "ss -p 没有显示进程，说明服务早已关闭了它们。内核在等对端，重启无济于事。"},
     "RFC 9293, 3.6"},
    {{"Ban the addresses of the clients", "封禁这些客户端地址"},
     {"They may be forged. The ban hits real clients, or the victim of a reflection.",
      "地址可能是伪造的，封禁只会误伤正常客户端或反射攻击的受害者。"},
     "RFC 4987, 2"},
    {{"Raise net.ipv4.tcp_synack_retries", "调大 net.ipv4.tcp_synack_retries"},
     {"It keeps dead handshakes longer, and hits the victim of a reflection more often.",
      "失败的握手会留得更久，反射攻击的受害者也会被打得更频繁。"},
     "kernel, ip-sysctl.rst, tcp_synack_retries"},
    {{"Widen the port range, or raise net.ipv4.tcp_syn_retries",
      "扩大端口范围，或调大 net.ipv4.tcp_syn_retries"},
     {"Neither makes the peer answer. More connections wait, and for longer.",
      "两者都不会让对端应答，只会让更多连接等得更久。"},
     "kernel, ip-sysctl.rst, tcp_syn_retries"},
    {{"Tune the kernel or the firewall", "调内核参数或改防火墙"},
     {"A RST shows that the SYN has arrived and that nothing listens. No setting brings a listener "
      "back.",
      "收到 RST 说明 SYN 已经到达，只是没有进程在监听。没有任何参数能让监听套接字回来。"},
     "RFC 9293, 3.5.2"},
    {{"Raise net.ipv4.tcp_rmem or net.ipv4.tcp_wmem",
      "调大 net.ipv4.tcp_rmem 或 net.ipv4.tcp_wmem"},
     {"A larger buffer fills up as well, and takes more of TCP's memory.",
      "缓冲区再大也会被填满，还会占用更多 TCP 内存。"},
     "kernel, ip-sysctl.rst, tcp_rmem"},
    {{"Search for them in the lists of ss", "在 ss 的列表里找它们"},
     {"No state shows them: ss and the exporter list sockets that the kernel can look up, and "
      "these are not among them.",
      "任何状态下都看不到它们：ss 和导出器只能列出内核查得到的套接字，而这些查不到。"},
     "measured on Linux 6.18"},
    {{"Take an empty list of findings as proof of health", "没有发现问题就当作健康"},
     {"What was not examined may be unhealthy.", "没有检查到的地方可能正有问题。"},
     "sockdiag_exporter, metrics"},
});

[[nodiscard]] constexpr const WrongAdvice* wrong(Wrong advice) noexcept {
  return &kWrongAdvice[static_cast<std::size_t>(advice)];
}

static_assert(&kWrongAdvice.back() == wrong(Wrong::trust_silence), "an enumerator for each row");

}  // namespace sockdiag
