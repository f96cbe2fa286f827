// SPDX-License-Identifier: Apache-2.0
#include "network_namespace.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "sockdiag/core/file_descriptor.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "sockdiag/owners/network_namespaces.hpp"
#include "sockdiag/owners/owner_names.hpp"
#include "sockdiag/procfs/proc_file.hpp"

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

// Returns " (in unit nginx.service)", or nothing.
std::string owner_of_process(std::int64_t pid, const HostPaths& paths, Language language) {
  const std::filesystem::path process = paths.procfs / std::filesystem::path(std::to_string(pid));
  const auto cgroup = read_proc_file_if_exists(process / "cgroup");
  if (!cgroup) return "";
  OwnerNames names(paths);
  names.refresh();
  const Owner owner = names.owner_of_path(cgroup_path_in(cgroup->content));
  const std::string text = owner_text(owner.labels, language);
  return text.empty() ? "" : " (" + text + ")";
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

std::string place_looked_at(const ReportOptions& options, const HostPaths& paths,
                            Language language) {
  if (options.pid) {
    return std::string(kOfProcess.in(language)) + std::to_string(*options.pid) +
           owner_of_process(*options.pid, paths, language);
  }
  if (options.netns) return std::string(kNamed.in(language)) + *options.netns;
  return std::string(kThisHost.in(language));
}

}  // namespace sockdiag
