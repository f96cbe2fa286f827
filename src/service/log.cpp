// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstddef>
#include <stdexcept>

#include "line_limit.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/service/process.hpp"
#include "thread_problem.hpp"

namespace sockdiag {
namespace {

constexpr char kName[] = "sockdiag_exporter";
constexpr std::size_t kWaitingLines = 512;
constexpr char kLogfmt[] = "ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l msg=%*";
constexpr char kJson[] = R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","msg":%*})";

class QuotedText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& line) override {
    const std::string text = quoted({message.payload.data(), message.payload.size()});
    line.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<QuotedText>();
  }
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

using ThreadPool = spdlog::details::thread_pool;

std::shared_ptr<ThreadPool> start_pool() {
  try {
    return std::make_shared<ThreadPool>(kWaitingLines, 1);
  } catch (const std::system_error& error) {
    throw std::runtime_error("cannot start a thread: " + thread_problem(error));
  }
}

// spdlog's asynchronous logger throws when memory is short. A logger with a sink does not.
class HandOver final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  HandOver(std::shared_ptr<spdlog::logger> to, std::shared_ptr<LineLimit> limit)
      : to_(std::move(to)), limit_(std::move(limit)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    const bool is_limited = message.level > spdlog::level::debug;
    const bool is_bad = message.level > spdlog::level::info;
    if (is_limited && !limit_->admits(text, is_bad, message.time)) return;
    to_->log(message.time, message.source, message.level, message.payload);
  }
  void flush_() override {}

  std::shared_ptr<spdlog::logger> to_;
  std::shared_ptr<LineLimit> limit_;
};

std::unique_ptr<spdlog::formatter> formatter_of(LogFormat format) {
  auto formatter =
      std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
  formatter->add_flag<QuotedText>('*').set_pattern(format == LogFormat::json ? kJson : kLogfmt);
  return formatter;
}

void make_default(std::shared_ptr<spdlog::logger> logger, LogLevel level) {
  spdlog::set_default_logger(std::move(logger));
  set_log_level(level);
}

}  // namespace

// Runs on the pool's thread. Writes how many lines are missing before the first line that is not,
// give or take those dropped meanwhile.
class BackgroundLog::Sink final : public spdlog::sinks::stderr_sink_mt {
  using Base = spdlog::sinks::stderr_sink_mt;

 public:
  Sink(ThreadPool& pool, std::shared_ptr<const LineLimit> limit)
      : pool_(pool), limit_(std::move(limit)) {}

  void log(const spdlog::details::log_msg& message) override {
    const std::size_t failed = failed_;
    const std::size_t lost = pool_.overrun_counter() + limit_->suppressed() + failed;
    if (lost != reported_) report(lost - reported_);
    reported_ = lost;
    told_of_failed_ = failed;
    Base::log(message);
  }

  // Counts a line that there was no memory for. Safe from any thread.
  void count_failed() noexcept { ++failed_; }

  // Returns whether no line tells of such lines yet. Call it after the thread has ended.
  [[nodiscard]] bool has_failed_silently() const noexcept { return failed_ != told_of_failed_; }

 private:
  void report(std::size_t lost) {
    const std::string text =
        std::to_string(lost) +
        " log lines are missing around here: they came too often, standard error was not read, or "
        "memory ran out";
    Base::log({kName, spdlog::level::warn, text});
  }

  ThreadPool& pool_;
  std::shared_ptr<const LineLimit> limit_;
  std::atomic<std::size_t> failed_ = 0;
  std::size_t reported_ = 0;
  std::size_t told_of_failed_ = 0;
};

void set_up_logging(const Configuration::Log& log) {
  const auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_formatter(formatter_of(log.format));
  auto logger = std::make_shared<spdlog::logger>(kName, sink);
  // spdlog's own handler would write lines of another format.
  logger->set_error_handler([](const std::string&) { write_out_of_memory(); });
  make_default(std::move(logger), log.level);
}

BackgroundLog::BackgroundLog(const Configuration::Log& log) {
  const auto pool = start_pool();
  const auto limit = std::make_shared<LineLimit>();
  const auto sink = std::make_shared<Sink>(*pool, limit);
  sink->set_formatter(formatter_of(log.format));
  const auto count_failed = [sink](const std::string&) { sink->count_failed(); };
  const auto writer = std::make_shared<spdlog::async_logger>(
      kName, sink, pool, spdlog::async_overflow_policy::overrun_oldest);
  writer->set_level(spdlog::level::trace);  // the other logger filters
  writer->set_error_handler(count_failed);
  auto logger = std::make_shared<spdlog::logger>(kName, std::make_shared<HandOver>(writer, limit));
  logger->set_error_handler(count_failed);
  make_default(std::move(logger), log.level);
  thread_ = pool;
  sink_ = sink;
}

BackgroundLog::~BackgroundLog() {
  thread_.reset();
  if (sink_->has_failed_silently()) write_out_of_memory();
}

void silence_log() { spdlog::set_level(spdlog::level::off); }

void set_log_level(LogLevel level) { spdlog::set_level(spdlog_level(level)); }

}  // namespace sockdiag
