// SPDX-License-Identifier: Apache-2.0
#include "exporter_process.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "child_process.hpp"
#include "error.hpp"
#include "http_client.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::chrono::seconds kStartDeadline{60};
constexpr std::chrono::seconds kStopDeadline{10};
constexpr std::chrono::milliseconds kPollPeriod{10};

std::string exporter_binary() {
  const char* path = std::getenv("SOCKDIAG_EXPORTER");
  if (path == nullptr) throw std::runtime_error("SOCKDIAG_EXPORTER does not name the exporter");
  return path;
}

bool poll_until(std::chrono::seconds deadline, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kPollPeriod);
  }
  return true;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Of "... http://127.0.0.1:41234/metrics"; 0 where the line is not there (yet).
std::uint16_t port_in(const std::string& log) {
  const std::string before = "http://127.0.0.1:";
  const std::size_t position = log.find(before);
  if (position == std::string::npos || log.find('\n', position) == std::string::npos) return 0;
  return static_cast<std::uint16_t>(std::atoi(log.c_str() + position + before.size()));
}

double status_bytes(const std::string& status, const std::string& key) {
  const std::size_t position = status.find(key);
  if (position == std::string::npos) throw std::runtime_error("no " + key + " of the exporter");
  return std::strtod(status.c_str() + position + key.size(), nullptr) * 1024;
}

// Survives exec: the exporter opens it by its descriptor's path.
FileDescriptor file_in_memory(const char* name, std::string_view content) {
  FileDescriptor fd(checked(::memfd_create(name, 0), "memfd_create"));
  checked(::write(fd.get(), content.data(), content.size()), "write a file in memory");
  return fd;
}

std::string path_of(const FileDescriptor& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

void redirect_output_to(int fd) {
  checked(::dup2(fd, STDOUT_FILENO), "dup2");
  checked(::dup2(fd, STDERR_FILENO), "dup2");
}

}  // namespace

ExporterProcess::ExporterProcess(std::string_view configuration)
    : configuration_(file_in_memory("configuration", configuration)),
      log_(file_in_memory("log", "")) {
  start();
  try {
    await_listening();
    await_first_sample();
  } catch (...) {
    kill_and_reap(pid_);
    throw;
  }
}

ExporterProcess::~ExporterProcess() {
  ::kill(pid_, SIGCONT);
  ::kill(pid_, SIGTERM);
  const auto ended = [this] { return ::waitpid(pid_, nullptr, WNOHANG) != 0; };
  if (!poll_until(kStopDeadline, ended)) kill_and_reap(pid_);
}

void ExporterProcess::start() {
  const std::string binary = exporter_binary();
  pid_ = fork_child([&]() -> int {
    redirect_output_to(log_.get());
    execute(
        {binary, "--config.file=" + path_of(configuration_), "--web.listen-address=127.0.0.1:0"});
  });
}

void ExporterProcess::require_running() const {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  if (info.si_pid != 0) throw std::runtime_error("the exporter ended: " + log());
}

void ExporterProcess::await_listening() {
  const auto listening = [this] {
    require_running();
    port_ = port_in(log());
    return port_ != 0;
  };
  if (poll_until(kStartDeadline, listening)) return;
  throw std::runtime_error("the exporter does not listen: " + log());
}

void ExporterProcess::await_first_sample() {
  const auto ready = [this] {
    require_running();
    return http_get(port_, "/-/ready").status == 200;
  };
  if (poll_until(kStartDeadline, ready)) return;
  throw std::runtime_error("the exporter has no sample: " + log());
}

std::string ExporterProcess::log() const { return read_file(path_of(log_)); }

std::string ExporterProcess::scrape() const {
  HttpResponse response = http_get(port_, "/metrics");
  if (response.status == 200) return std::move(response.body);
  throw std::runtime_error("/metrics: status " + std::to_string(response.status));
}

ResidentMemory ExporterProcess::resident_memory() const {
  const std::string status = read_file("/proc/" + std::to_string(pid_) + "/status");
  return {status_bytes(status, "VmRSS:"), status_bytes(status, "VmHWM:")};
}

void ExporterProcess::pause() {
  checked(::kill(pid_, SIGSTOP), "stop the exporter");
  siginfo_t info{};
  checked(::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT),
          "wait for the exporter to stop");
  require_running();
}

void ExporterProcess::resume() { checked(::kill(pid_, SIGCONT), "resume the exporter"); }

}  // namespace sockdiag::bench
