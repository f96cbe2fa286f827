// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/port_list.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("A list of ports holds each port of its ranges, both ends among them") {
  PortList list{80};
  list.add({30000, 30002});
  list.add({30002, 30004});
  list.add({65535, 65535});
  const PortSet ports = list.ports();
  CHECK(ports.count() == 7);
  for (const int port : {80, 30000, 30002, 30004, 65535}) CHECK(ports[static_cast<size_t>(port)]);
  for (const int port : {79, 81, 29999, 30005, 65534}) {
    CHECK_FALSE(ports[static_cast<size_t>(port)]);
  }
  CHECK(PortList{}.ports().none());
}

TEST_CASE("A list of ports keeps its ranges as they were given") {
  PortList list{443, 80};
  list.add({1, 65535});
  CHECK(list.ranges() == std::vector<PortRange>{{443, 443}, {80, 80}, {1, 65535}});
  CHECK(list.ports().count() == 65535);
  list.clear();
  CHECK(list == PortList{});
}

}  // namespace sockdiag::test
