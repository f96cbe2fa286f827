// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kinds of values that keys have. Each function returns how a member of the configuration is
// read and shown; `least` and `most` are allowed, too.

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "sockdiag/configuration/configuration_keys.hpp"

namespace sockdiag::key_values {

// Finds a member of one of the parts of a Configuration.
template <typename Value>
struct Member {
  // Implicit, so that a row of the table names a member and no more.
  template <typename Part>
  Member(Value Part::*member)
      : in([member](Configuration& c) -> Value& {
          return std::get<Part&>(std::tie(c.sampling, c.ports, c.listeners, c.lifetimes,
                                          c.ephemeral_ports, c.owners, c.namespaces, c.path,
                                          c.findings, c.metrics, c.web, c.log)).*
                 member;
        }) {}
  explicit Member(std::function<Value&(Configuration&)> find) : in(std::move(find)) {}

  std::function<Value&(Configuration&)> in;
};

using Milliseconds = std::chrono::milliseconds;
using Accepts = std::function<bool(const std::string&)>;

[[nodiscard]] KeyValue duration(const Member<Milliseconds>& member, Milliseconds least,
                                Milliseconds most, const std::string& example);
[[nodiscard]] KeyValue number(const Member<double>& member, double least, double most);
[[nodiscard]] KeyValue whole_number(const Member<std::size_t>& member, std::size_t least,
                                    std::size_t most);
[[nodiscard]] KeyValue whole_number(const Member<unsigned>& member, unsigned least, unsigned most);
[[nodiscard]] KeyValue boolean(const Member<bool>& member);
[[nodiscard]] KeyValue log_level(const Member<LogLevel>& member);
[[nodiscard]] KeyValue log_format(const Member<LogFormat>& member);
[[nodiscard]] KeyValue collect(const Member<NamespaceCollect>& member);
[[nodiscard]] KeyValue word(const Member<std::string>& member, const std::string& expected,
                            Accepts accepts);
[[nodiscard]] KeyValue ports(const Member<PortList>& member);
// Names of ports: at most 40 characters each, without control characters, quotes and backslashes.
[[nodiscard]] KeyValue port_names(const Member<PortNames>& member);
// Accepts any word if `accepts` is empty. `one` completes "expected …" of one element.
[[nodiscard]] KeyValue words(const Member<std::vector<std::string>>& member,
                             const std::string& expected, const std::string& one = {},
                             Accepts accepts = {});
// Accepts the `known` words only, and suggests the nearest one. They must be of static lifetime.
[[nodiscard]] KeyValue names(const Member<std::vector<std::string>>& member,
                             const std::string& expected, std::span<const std::string_view> known);

}  // namespace sockdiag::key_values
