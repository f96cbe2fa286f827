// SPDX-License-Identifier: Apache-2.0
#pragma once

// The documents of findings and samples as an exporter writes them, for tests to change.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sockdiag::test {

using Json = nlohmann::ordered_json;

// A list of one, which braces alone would not make.
inline Json list_of(const Json& only) {
  Json list = Json::array();
  list.push_back(only);
  return list;
}

inline Json states_with(const Json& some) {
  Json states = Json::object();
  for (const char* name : {"established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2",
                           "time_wait", "close", "close_wait", "last_ack", "listen", "closing"}) {
    states[name] = some.value(name, 0);
  }
  return states;
}

inline Json port_with(const std::string& direction, const std::string& port, const Json& states) {
  return {{"direction", direction}, {"port", port}, {"states", states_with(states)}};
}

inline Json leak_finding() {
  return {{"finding", "cw_in_not_closed"},
          {"severity", "warning"},
          {"direction", "inbound"},
          {"port", "8080"},
          {"since", 1.7e9},
          {"title", "Service never closes"},
          {"seen", {{"sockets", 412}}},
          {"text", "412 CLOSE_WAIT whose end was read and which were never closed"},
          {"meaning", "A leak."},
          {"do", Json::array({"Keep the evidence.", "Restart."})},
          {"do_not",
           list_of({{"advice", "Wait"}, {"fact", "No timeout ends it."}, {"source", "RFC 1122"}})},
          {"confirm",
           list_of({{"text", "The sockets"},
                    {"command", "ss -Htnpe state close-wait '( sport = :8080 )' | awk '$1==0'"}})},
          {"unlike", Json::array({{{"finding", "cw_in_unread"}, {"text", "There Recv-Q is not 0."}},
                                  {{"finding", nullptr}, {"text", "Half-closed clients."}}})},
          {"runbook", "https://example.org/runbook.md#leak"},
          {"source", "RFC 9293"}};
}

inline Json findings_with(const std::vector<Json>& findings) {
  return {{"version", 1},     {"language", "en"},     {"timestamp", 1.7e9},
          {"complete", true}, {"findings", findings}, {"unchecked", Json::array()}};
}

inline Json samples_with(const std::vector<Json>& ports) {
  return {{"version", 1},
          {"timestamp", 1.7e9},
          {"sources", list_of({{"source", "tcp"}, {"success", true}})},
          {"totals", states_with({{"close_wait", 412}, {"established", 12}})},
          {"ports", ports}};
}

}  // namespace sockdiag::test
