// SPDX-License-Identifier: Apache-2.0
#include "proc.hpp"

#include <fstream>
#include <sstream>

#include "error.hpp"

namespace sockdiag::bench {
namespace {

// The fourth word of a line is the state, in hexadecimal.
std::string state_of(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  for (int i = 0; i < 4; ++i) words >> word;
  return word;
}

}  // namespace

std::size_t number_after(const std::string& file, const std::string& line_start,
                         const std::string& word) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string token;
    if (!(words >> token) || token != line_start) continue;
    while (token != word && words >> token) continue;
    std::size_t number = 0;
    return words >> number ? number : 0;
  }
  return 0;
}

std::size_t time_wait_sockets() { return number_after("/proc/self/net/sockstat", "TCP:", "tw"); }

std::size_t half_open_sockets() {
  std::ifstream in("/proc/self/net/tcp");
  std::size_t found = 0;
  for (std::string line; std::getline(in, line);) {
    if (state_of(line) == "03") ++found;
  }
  return found;
}

void set_sysctl(const std::string& name, std::size_t value) {
  std::ofstream file("/proc/sys/" + name);
  if (!(file << value << std::flush)) throw_errno("set " + name);
}

}  // namespace sockdiag::bench
