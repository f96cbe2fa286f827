// SPDX-License-Identifier: Apache-2.0
#include "wrk.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "child_process.hpp"
#include "error.hpp"
#include "file_descriptor.hpp"

namespace sockdiag::bench {
namespace {

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (const ssize_t size = checked(::read(fd, buffer.data(), buffer.size()), "read from wrk")) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

std::string output_of(const std::vector<std::string>& command) {
  int ends[2];
  checked(::pipe2(ends, O_CLOEXEC), "pipe");
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  const pid_t pid = fork_child([&]() -> int {
    checked(::dup2(writer.get(), STDOUT_FILENO), "dup2");
    execute(command);
  });
  writer.close();
  std::string output = read_all(reader.get());
  int status = 0;
  checked(::waitpid(pid, &status, 0), "wait for wrk");
  if (status != 0) throw std::runtime_error(command[0] + " failed: " + output);
  return output;
}

// Of "report requests=1 duration=2 ...".
double field(const std::string& output, const std::string& name) {
  const std::size_t report = output.find("report requests=");
  const std::size_t position =
      report == std::string::npos ? report : output.find(' ' + name + '=', report);
  if (position == std::string::npos) throw std::runtime_error("no " + name + " in: " + output);
  return std::strtod(output.c_str() + position + name.size() + 2, nullptr);
}

}  // namespace

WrkResult run_wrk(std::uint16_t port, unsigned seconds, const std::string& script,
                  const std::string& header) {
  std::vector<std::string> command{"wrk",       "-t2", "-c50", "-d" + std::to_string(seconds) + "s",
                                   "--latency", "-s",  script};
  if (!header.empty()) command.insert(command.end(), {"-H", header});
  command.push_back("http://127.0.0.1:" + std::to_string(port) + "/metrics");
  const std::string output = output_of(command);
  const double socket_errors = field(output, "connect") + field(output, "read") +
                               field(output, "write") + field(output, "timeout");
  return {field(output, "requests"),   field(output, "duration") * 1e-6,
          field(output, "p50") * 1e-6, field(output, "p99") * 1e-6,
          field(output, "max") * 1e-6, socket_errors,
          field(output, "status")};
}

}  // namespace sockdiag::bench
