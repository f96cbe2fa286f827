// SPDX-License-Identifier: Apache-2.0
#include "network_namespace.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag {
namespace {

constexpr Text kThisHost("This host", "本机");
constexpr Text kOfProcess("Network namespace of process ", "网络命名空间，所属进程 ");
constexpr Text kNamed("Network namespace ", "网络命名空间 ");

// Where iproute2 mounts the namespaces that it names.
constexpr const char* kNamedNamespaces = "/run/netns/";

// The file that stands for the namespace, and what to say if it is not there.
struct NamespaceFile {
  std::string path;
  std::string missing;
};

NamespaceFile file_of(const ReportOptions& options, const HostPaths& paths) {
  if (options.pid) {
    const std::string process = paths.procfs + "/" + std::to_string(*options.pid);
    return {process + "/ns/net", "--pid: there is no process " + process};
  }
  const std::string& name = *options.netns;
  const std::string path = name.find('/') == std::string::npos ? kNamedNamespaces + name : name;
  return {path, "--netns: there is no network namespace " + path};
}

[[noreturn]] void throw_problem(const NamespaceFile& file, int error) {
  if (error == ENOENT || error == ESRCH) throw std::runtime_error(file.missing);
  if (error == EACCES || error == EPERM) {
    throw std::runtime_error("entering the network namespace " + file.path +
                             " needs CAP_SYS_ADMIN and CAP_SYS_PTRACE: run as root");
  }
  throw std::runtime_error("entering the network namespace " + file.path + ": " +
                           std::generic_category().message(error));
}

}  // namespace

void enter_network_namespace(const ReportOptions& options, Configuration& configuration) {
  if (!options.pid && !options.netns) return;
  configuration.namespaces.collect = NamespaceCollect::none;
  const NamespaceFile file = file_of(options, configuration.path);
  // A path may lead to something that open(2) would wait for.
  const FileDescriptor descriptor(
      ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!descriptor.is_open()) throw_problem(file, errno);
  if (::setns(descriptor.get(), CLONE_NEWNET) == 0) return;
  if (errno == EINVAL) throw std::runtime_error(file.path + " is not a network namespace");
  throw_problem(file, errno);
}

std::string place_looked_at(const ReportOptions& options, Language language) {
  if (options.pid) return std::string(kOfProcess.in(language)) + std::to_string(*options.pid);
  if (options.netns) return std::string(kNamed.in(language)) + *options.netns;
  return std::string(kThisHost.in(language));
}

}  // namespace sockdiag
