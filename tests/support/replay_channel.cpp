// SPDX-License-Identifier: Apache-2.0
#include "support/replay_channel.hpp"

#include <linux/netlink.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace sockdiag::test {

ReplayChannel::ReplayChannel(std::vector<ReplayedDatagram> datagrams, std::vector<Bytes>* sent)
    : datagrams_(std::move(datagrams)), sent_(sent) {}

void ReplayChannel::send(std::span<const std::byte> bytes) {
  if (sent_ != nullptr) sent_->emplace_back(bytes.begin(), bytes.end());
}

Datagram ReplayChannel::receive() {
  if (next_ == datagrams_.size()) {
    throw std::system_error(ETIMEDOUT, std::generic_category(), "receiving from a replay");
  }
  const ReplayedDatagram& datagram = datagrams_[next_++];
  const std::size_t size = datagram.bytes.size();
  current_ = std::make_unique<std::byte[]>(size);
  if (size > 0) std::memcpy(current_.get(), datagram.bytes.data(), size);
  return {{current_.get(), size}, datagram.sender_portid, datagram.truncated};
}

std::vector<ReplayedDatagram> as_datagrams(std::vector<Bytes> bytes) {
  std::vector<ReplayedDatagram> datagrams;
  for (Bytes& each : bytes) datagrams.push_back({std::move(each), 0, false});
  return datagrams;
}

std::vector<ReplayedDatagram> load_recorded_dump(const std::filesystem::path& path) {
  constexpr std::size_t kMostBytes = 32768;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) throw std::runtime_error("no recorded dump in " + path.string());

  std::vector<Bytes> datagrams(1);
  for (std::size_t offset = 0; offset < text.size();) {
    nlmsghdr header;
    std::memcpy(&header, text.data() + offset, sizeof header);
    Bytes message(NLMSG_ALIGN(header.nlmsg_len));
    std::memcpy(message.data(), text.data() + offset, message.size());
    header.nlmsg_seq = 1;
    header.nlmsg_pid = ReplayChannel::kPortid;
    std::memcpy(message.data(), &header, sizeof header);
    if (datagrams.back().size() + message.size() > kMostBytes) datagrams.emplace_back();
    datagrams.back().insert(datagrams.back().end(), message.begin(), message.end());
    offset += message.size();
  }
  return as_datagrams(std::move(datagrams));
}

}  // namespace sockdiag::test
