// SPDX-License-Identifier: Apache-2.0
// Makes a load of sockets in the current network namespace, says so in one line of JSON, and holds
// it until its standard input ends: socket_load --profile NAME [--sockets N]
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "load.hpp"
#include "load_socket.hpp"

namespace sockdiag::bench {
namespace {

struct Arguments {
  std::string profile = "established";
  std::size_t sockets = 0;  // 0: the profile's default
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) throw std::invalid_argument("no value for " + name);
    if (name == "--profile")
      arguments.profile = argv[i + 1];
    else if (name == "--sockets")
      arguments.sockets = std::stoul(argv[i + 1]);
    else
      throw std::invalid_argument("unknown argument " + name);
  }
  return arguments;
}

void print(const Profile& profile, const Load& load) {
  std::printf(
      "{\"profile\": \"%s\", \"sockets\": %zu, \"half_open\": %zu, \"servers\": %u, "
      "\"moving\": %s}\n",
      std::string(profile.name).c_str(), load.sockets(), load.half_open(), kServerPorts,
      profile.moving ? "true" : "false");
  std::fflush(stdout);
}

void hold(const Load& load) {
  for (;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char byte = 0;
    if (::poll(&input, 1, 1000) > 0 && ::read(STDIN_FILENO, &byte, 1) <= 0) return;
    load.require_alive();
  }
}

void run(const Arguments& arguments) {
  const Profile& profile = profile_named(arguments.profile);
  const Load load(profile, arguments.sockets != 0 ? arguments.sockets : profile.default_sockets);
  print(profile, load);
  hold(load);
}

}  // namespace
}  // namespace sockdiag::bench

int main(int argc, char** argv) {
  try {
    sockdiag::bench::run(sockdiag::bench::parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "socket_load: %s\n", error.what());
    return 2;
  }
}
