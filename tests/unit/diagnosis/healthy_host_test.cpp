// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include "host.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using enum TcpState;
using enum CloseWaitCause;

struct Healthy {
  std::string it;
  std::function<void(Host&, int)> does;  // before the sample of that number
  bool only_every_5s = false;            // counts its samples as time
};

void be_quiet(Host& host, int) {
  host.in(22).listens().has(established, 1);
  host.grows("passive_opens", 0.01);
}

// A busy server: vanishing clients, scanners, half-closed clients, answers that drain slowly.
void be_busy(Host& host, int sample) {
  const auto noise = static_cast<std::uint32_t>(sample * 7919 % 13);
  host.grows("passive_opens", 500).grows("active_opens", 200).grows("attempt_failures", 3);
  host.grows("embryonic_resets", 2).grows("listen_drops", 0.05);
  host.in(443).queue(noise).peaks(100).has(established, 5000 + noise);
  host.in(443).lingers(last_ack, 55 + noise).lingers(syn_recv, 12 + noise);
  host.in(443).lingers(fin_wait1, 60).waits(not_closed, 300 + noise, 15);
  host.in(443)
      .receive_queue(3'000'000 + 100'000 * noise)
      .send_queue(90'000'000 + 1'000'000 * noise);
  host.in(443).starts_time_waits(100).has(time_wait, 6000);
}

void keep_a_pool(Host& host, int) {
  host.out(5432).has(established, 20).waits(unread_eof, 49);
  host.out(443).lingers(fin_wait2, 99);
}

// tcp_tw_reuse lets TIME_WAIT settle at half of the range.
void benchmark_itself(Host& host, int) {
  host.grows("active_opens", 230).grows("passive_opens", 230);
  host.ephemeral.busiest = {{{}, 14'116}};
  host.ephemeral.local_ports_used = 14'116;
  host.out(8080).has(time_wait, 14'116).starts_time_waits(49);
}

void take_bursts(Host& host, int sample) {
  const bool burst = sample % 7 == 3;
  host.grows("passive_opens", burst ? 40 : 0);
  host.grows("active_opens", 1).grows("attempt_failures", burst ? 4 : 0);
  host.in(80).queue(burst ? 128 : 0).peaks(128).starts_time_waits(burst ? 200 : 0);
  host.in(80).waits(not_closed, burst ? 100 : 0, 0).has(syn_recv, burst ? 60 : 0);
  host.in(80).receive_queue(burst ? 5'000'000 : 0);
  host.ephemeral.busiest = {{{}, burst ? 25'000U : 100U}};
  host.gauge("orphans", burst ? 3000 : 0);
}

void restart_the_service(Host& host, int sample) {
  const bool down = sample % 60 >= 55;
  if (down) {
    host.in(80).stops_listening();
  } else {
    host.in(80).listens();
  }
  host.grows("attempt_failures", 0);
}

// One in a hundred clients vanishes, and stays for 97 s, also after the others have gone.
void end_its_load(Host& host, int sample) {
  const bool loaded = sample < 20;
  host.grows("passive_opens", loaded ? 200 : 0).grows("active_opens", loaded ? 20 : 0);
  const bool vanished = loaded || sample < 40;
  host.in(80).has(last_ack, 0).lingers(last_ack, vanished ? 190 : 0);
  host.in(80).has(syn_recv, 0).lingers(syn_recv, vanished ? 90 : 0);
  host.out(25).has(syn_sent, 0).lingers(syn_sent, vanished ? 19 : 0).has(established, 1);
}

void relay_mail(Host& host, int) {
  host.grows("active_opens", 3);
  host.out(25).lingers(syn_sent, 100).has(established, 60);
}

void be_in_a_container(Host& host, int sample) {
  host.lacks("orphans_limit").lacks("memory_limit_bytes").lacks("memory_pressure_bytes");
  host.gauge("orphans", 50'000).gauge("memory_bytes", 9e12);
  host.gauge("allocated_sockets", 60'000 + 500 * (sample % 9));
}

const std::vector<Healthy>& healthy_hosts() {
  static const std::vector<Healthy> kHosts = {
      {"is quiet", be_quiet},
      {"is busy", be_busy},
      {"keeps a pool of stale connections", keep_a_pool},
      {"has a plateau of TIME_WAIT", benchmark_itself},
      {"takes bursts", take_bursts, true},
      {"restarts its service", restart_the_service, true},
      {"ends its load", end_its_load, true},
      {"relays mail", relay_mail},
      {"is in a container", be_in_a_container},
  };
  return kHosts;
}

void check_one(const Healthy& row, Host& host, int sample) {
  row.does(host, sample);
  const auto findings = host.sample();
  INFO("at sample " << sample);
  REQUIRE(names_of(*findings) == std::vector<std::string>{});
}

}  // namespace

TEST_CASE("Nothing is found on a healthy host, from its first sample on") {
  const auto interval = GENERATE(1s, 5s, 12s, 60s);
  for (const Healthy& row : healthy_hosts()) {
    INFO("It " << row.it << ", sampled every " << interval.count() << " s");
    if (row.only_every_5s && interval != 5s) continue;
    Host host;
    host.every(interval);
    for (int sample = 0; sample < 400; ++sample) check_one(row, host, sample);
  }
}

TEST_CASE("Nothing is found on a healthy host after a gap, or with a stretched interval") {
  for (const Healthy& row : healthy_hosts()) {
    if (row.only_every_5s && row.it != "takes bursts") continue;
    INFO("It " << row.it);
    Host host;
    for (int sample = 0; sample < 30; ++sample) check_one(row, host, sample);
    host.pause(10min);
    for (int sample = 30; sample < 60; ++sample) check_one(row, host, sample);
    if (row.it == "takes bursts") continue;
    host.every(40s);
    for (int sample = 60; sample < 90; ++sample) check_one(row, host, sample);
  }
}

TEST_CASE("Nothing is found on a healthy host after its counters began anew") {
  for (const Healthy& row : healthy_hosts()) {
    if (row.only_every_5s && row.it != "takes bursts") continue;
    INFO("It " << row.it);
    Host host;
    for (int sample = 0; sample < 30; ++sample) check_one(row, host, sample);
    for (const std::string_view name :
         {"passive_opens", "active_opens", "attempt_failures", "embryonic_resets"}) {
      host.counter(name, 0);
    }
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}})
      host.in(port).time_wait_started = 0;
    for (int sample = 30; sample < 60; ++sample) check_one(row, host, sample);
  }
}

}  // namespace sockdiag::test
