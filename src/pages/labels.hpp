// SPDX-License-Identifier: Apache-2.0
#pragma once

// The words of the page that are not diagnosis's.

#include <array>

#include "sockdiag/diagnosis/text.hpp"

namespace sockdiag::labels {

inline constexpr Text kSkip("Skip to the findings", "跳到诊断结果");
inline constexpr Text kPages("Pages of the exporter", "导出器的页面");
inline constexpr Text kMetrics("Metrics", "指标");
inline constexpr Text kHealth("Health", "存活检查");
inline constexpr Text kReadiness("Readiness", "就绪检查");
inline constexpr Text kOffline("The exporter has not answered since", "导出器无应答，始于");
inline constexpr Text kOldPage("What is shown here is old.", "此处显示的是旧数据。");
inline constexpr Text kAgo("{age} s ago", "{age} 秒前");

inline constexpr Text kNoFindings("No findings", "未发现问题");
inline constexpr Text kCalm("Nothing was found that needs action.", "没有发现需要处理的问题。");
inline constexpr Text kFindings("Findings", "诊断结果");
inline constexpr Text kIncomplete("Diagnosis is incomplete", "诊断数据不完整");
inline constexpr Text kIncompleteMeaning(
    "Too little is known of the sockets to call this host healthy.",
    "掌握的套接字数据太少，不能认定这台主机健康。");
inline constexpr Text kNoSample("No sample yet", "尚无采样");
inline constexpr Text kNoSampleMeaning(
    "The sockets have not been sampled since the exporter started. There is nothing to say yet.",
    "导出器启动后还没有完成一次套接字采样，暂无结论。");
inline constexpr Text kUnchecked("Not checked, or not for long enough", "未检查，或观察时间不够");
inline constexpr Text kSampledAt("Sockets as of", "套接字采样时间");
inline constexpr Text kEvery("sampled every", "采样间隔");
inline constexpr Text kSocketsInAll("sockets", "个套接字");
inline constexpr Text kSince("for", "已持续");
inline constexpr Text kMeaning("What it means", "含义");
inline constexpr Text kSteps("What to do", "处理步骤");
inline constexpr Text kAvoid("What not to do", "不要这样做");
inline constexpr Text kConfirm("How to confirm", "确认命令");
inline constexpr Text kUnlike("Easily taken for", "容易混淆的情况");
inline constexpr Text kNoFault("No fault", "并非故障");
inline constexpr Text kRunbook("Runbook", "运维手册");
inline constexpr Text kSource("Source", "依据");

inline constexpr Text kTotals("Sockets by state", "各状态的套接字");
inline constexpr Text kPorts("Ports", "端口");
inline constexpr Text kInbound("Inbound: services of this host, by local port",
                               "入站：本机的服务，按本地端口");
inline constexpr Text kOutbound("Outbound: services that this host calls, by remote port",
                                "出站：本机访问的服务，按远端端口");
inline constexpr Text kPort("Port", "端口");
inline constexpr Text kAll("All", "合计");
inline constexpr Text kOther("other", "其他");
inline constexpr Text kOtherPorts("ports", "个端口");
inline constexpr Text kLongerThan("longer than", "超过");
inline constexpr Text kLeftOut("The busiest ports are shown. Left out:",
                               "仅显示套接字最多的端口，未显示：");

inline constexpr Text kOwners("Owners", "归属");
inline constexpr Text kOwner("Owner", "归属");
inline constexpr Text kOwnersHere(
    "In the exporter's network namespace; TIME_WAIT and SYN_RECV have no owner",
    "导出器所在的网络命名空间；TIME_WAIT 和 SYN_RECV 没有归属");
inline constexpr Text kOwnersElsewhere("Other network namespaces of the host",
                                       "本机的其他网络命名空间");
inline constexpr Text kOwnersLeftOut("Those with the most sockets are shown. Left out:",
                                     "仅显示套接字最多的归属，未显示：");
inline constexpr Text kFindingsLeftOut("Further findings, not shown here:",
                                       "其余诊断结果，此处未显示：");
// By NamespaceStatus.
inline constexpr std::array<Text, 4> kNamespaceStatuses = {{{"sampled", "已采样"},
                                                            {"counters only", "仅计数器"},
                                                            {"skipped", "已跳过"},
                                                            {"failed", "失败"}}};

inline constexpr Text kLimits("Queues and limits", "队列与上限");
inline constexpr Text kAcceptQueue("Accept queue of port", "全连接队列，端口");
inline constexpr Text kEmptyQueues("Accept queues that are empty, now and lately:",
                                   "当前及近期均为空的全连接队列：");
inline constexpr Text kQueuesLeftOut("The fullest accept queues are shown. Left out:",
                                     "仅显示最满的全连接队列，未显示：");
inline constexpr Text kPeak("peak", "峰值");
inline constexpr Text kDropped("dropped", "丢弃");
inline constexpr Text kEphemeral("Ephemeral ports to one destination, rank",
                                 "单个目的地占用的临时端口，排名");
inline constexpr Text kEphemeralLocal("Ephemeral ports in use by any socket",
                                      "已被任意套接字占用的临时端口");
inline constexpr Text kOrphans("Orphans, of the whole host", "孤儿连接（整机）");
inline constexpr Text kMemory("TCP memory, of the whole host", "TCP 内存（整机）");
inline constexpr Text kOf("of", "/");

inline constexpr Text kTrend("The last hour", "最近一小时");
inline constexpr Text kNow("now", "当前");
inline constexpr Text kMost("most", "最多");
inline constexpr Text kLeast("least", "最少");
inline constexpr Text kTrendNote(
    "From one hour ago, on the left, to the latest sample. Each point is the most sockets within "
    "30 s; where nothing was sampled, the line has a gap.",
    "从左（一小时前）到右（最近一次采样）。每个点是 30 秒内的最大值；没有采样的时段，曲线留空。");
inline constexpr Text kNoneInTrend("None in the last hour:", "最近一小时没有：");

inline constexpr Text kStates("What the states mean", "各状态的含义");
inline constexpr Text kAtServer("At an HTTP server", "HTTP 服务端");
inline constexpr Text kAtClient("At an HTTP client", "HTTP 客户端");
inline constexpr Text kNormal("Normal", "正常");
inline constexpr Text kProblem("A problem", "异常");
inline constexpr Text kWhoActs("Who has to act", "由谁处理");

inline constexpr Text kExporter("The exporter itself", "导出器自身");
inline constexpr Text kSources("What is sampled, and how that goes", "采样来源及其状况");
inline constexpr Text kSourceName("Sampled", "来源");
inline constexpr Text kLastAttempt("Last attempt", "最近一次");
inline constexpr Text kGood("good", "成功");
inline constexpr Text kFailed("failed", "失败");
inline constexpr Text kLastGood("Last good sample", "最近成功采样");
inline constexpr Text kNever("never", "从未");
inline constexpr Text kInterval("Interval", "间隔");
inline constexpr Text kTook("Took", "耗时");
inline constexpr Text kCpuShare("CPU time", "CPU 时间");
inline constexpr Text kAttempts("Attempts", "次数");
inline constexpr Text kFailures("Failures", "失败次数");
inline constexpr Text kVersion("Version", "版本");
inline constexpr Text kStarted("Running for", "运行时长");
inline constexpr Text kCpu("CPU time in all", "CPU 时间合计");
inline constexpr Text kOfOneCpu("of one CPU", "单个 CPU");
inline constexpr Text kResident("Resident memory", "常驻内存");
inline constexpr Text kDescriptors("Open descriptors", "打开的描述符");
inline constexpr Text kReload("Configuration loaded", "配置加载");
inline constexpr Text kReloadFailed("the last reload failed", "最近一次重新加载失败");

inline constexpr Text kConfiguration("Configuration in force", "生效的配置");
inline constexpr Text kKey("Key", "配置项");
inline constexpr Text kValue("Value", "值");
inline constexpr Text kDefault("default", "默认");
inline constexpr Text kChanged("set", "已设置");

}  // namespace sockdiag::labels
