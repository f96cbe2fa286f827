// SPDX-License-Identifier: Apache-2.0
#include "support/subprocess.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace sockdiag::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned int kNobody = 65534;
constexpr int kCannotStart = 127;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) fail("pipe");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// ---- in the child, between fork and exec: system calls only ----

[[noreturn]] void give_up(const char* what) {
  ::dprintf(STDERR_FILENO, "%s: errno %d\n", what, errno);
  ::_exit(kCannotStart);
}

// The bounding set first: dropping from it needs the capabilities that setresuid takes away.
void become_nobody() {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
       ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) give_up("drop the bounding set");
  }
  if (::setgroups(0, nullptr) < 0) give_up("setgroups");
  if (::setresgid(kNobody, kNobody, kNobody) < 0) give_up("setresgid");
  if (::setresuid(kNobody, kNobody, kNobody) < 0) give_up("setresuid");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) give_up("no new privileges");
}

[[noreturn]] void become(const Command& command, char* const* arguments, const Pipe& output,
                         const Pipe& errors) {
  ::dup2(output.write_end.get(), STDOUT_FILENO);
  ::dup2(errors.write_end.get(), STDERR_FILENO);
  if (command.unprivileged) become_nobody();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after setresuid, which clears it
  ::execvp(arguments[0], arguments);
  give_up(arguments[0]);
}

// ---- in the parent ----

// Our environment with the command's own variables set while the child is made from it.
class ScopedEnvironment {
 public:
  explicit ScopedEnvironment(const Command& command) {
    for (const auto& [name, value] : command.environment) {
      const char* previous = ::getenv(name.c_str());
      previous_.emplace_back(name, previous == nullptr ? "" : previous);
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~ScopedEnvironment() {
    for (const auto& [name, value] : previous_) {
      value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> previous_;
};

pid_t start(const Command& command, const Pipe& output, const Pipe& errors) {
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const ScopedEnvironment environment(command);
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) become(command, arguments.data(), output, errors);
  return child;
}

// Appends what is there; false at the end of the stream.
bool read_some(int descriptor, std::string& text) {
  std::array<char, 16384> buffer{};
  const ssize_t length = ::read(descriptor, buffer.data(), buffer.size());
  if (length < 0 && errno == EINTR) return true;
  if (length < 0) fail("read from a child process");
  text.append(buffer.data(), static_cast<std::size_t>(length));
  return length > 0;
}

// Reads both streams to their ends; false when the deadline passes first.
bool read_all(const Pipe& output, const Pipe& errors, Finished& finished,
              Clock::time_point deadline) {
  std::array<pollfd, 2> streams{pollfd{output.read_end.get(), POLLIN, 0},
                                pollfd{errors.read_end.get(), POLLIN, 0}};
  const std::array<std::string*, 2> texts{&finished.output, &finished.errors};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    if (::poll(streams.data(), streams.size(), static_cast<int>(left.count())) < 0) continue;
    for (std::size_t index = 0; index < streams.size(); ++index) {
      if (streams[index].revents == 0) continue;
      if (!read_some(streams[index].fd, *texts[index])) streams[index].fd = -1;
    }
  }
  return true;
}

void reap(pid_t child, Finished& finished) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail("waitpid");
  }
  if (WIFEXITED(status)) finished.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) finished.signal = WTERMSIG(status);
}

}  // namespace

Finished run(const Command& command) {
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  const pid_t child = start(command, output, errors);
  output.write_end.close();
  errors.write_end.close();
  Finished finished;
  const bool ended = read_all(output, errors, finished, Clock::now() + command.deadline);
  if (!ended) ::kill(child, SIGKILL);
  reap(child, finished);
  const std::string& program = command.arguments.front();
  if (!ended) throw std::runtime_error(program + " outlived its deadline: " + finished.errors);
  if (finished.exit_status == kCannotStart) {
    throw std::runtime_error(program + " could not be started: " + finished.errors);
  }
  return finished;
}

TemporaryDirectory::TemporaryDirectory()
    : path_((std::filesystem::temp_directory_path() / "sockdiag-test-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) fail("make a temporary directory");
  if (::chmod(path_.c_str(), 0755) < 0) fail("chmod " + path_);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& text) const {
  const std::string path = path_ + "/" + name;
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file || ::chmod(path.c_str(), 0644) < 0) throw std::runtime_error("cannot write " + path);
  return path;
}

std::string TemporaryDirectory::copy(const std::string& file) const {
  const auto target = std::filesystem::path(path_) / std::filesystem::path(file).filename();
  std::filesystem::copy_file(file, target);
  return target.string();
}

}  // namespace sockdiag::test
