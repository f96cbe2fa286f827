// SPDX-License-Identifier: Apache-2.0
#pragma once

// Users and the bcrypt hashes of their passwords. An unknown user costs as much time as a wrong
// password. What was found out is remembered under a keyed digest, never in clear. Safe from any
// thread.

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hashing_turns.hpp"

namespace sockdiag {

class Credentials {
 public:
  using Users = std::map<std::string, std::string>;
  enum class Verdict { right, wrong, busy };  // busy: too many passwords wait to be checked

  // At most `most_at_once` checks hash or wait to hash.
  Credentials(Users users, std::size_t most_at_once);

  [[nodiscard]] bool is_needed() const;

  // `client` is the address of who asks: one check of it hashes or waits at a time. Throws
  // std::bad_alloc and std::runtime_error.
  [[nodiscard]] Verdict check(std::string_view user, std::string_view password,
                              const std::string& client);

  // Logins stay remembered whose hash stays.
  void replace(Users users);

 private:
  using Digest = std::array<unsigned char, 32>;

  struct Subject {
    std::string hash;
    bool exists;
  };

  [[nodiscard]] Subject subject_of(std::string_view user) const;
  [[nodiscard]] std::optional<Verdict> recall(const std::string& user, const Digest& digest) const;
  void remember(const std::string& user, const Digest& digest, bool right);
  [[nodiscard]] Digest digest_of(std::string_view user, std::string_view password,
                                 std::string_view hash) const;

  const Digest key_;
  HashingTurns turns_;
  mutable std::mutex mutex_;
  Users users_;
  std::map<std::string, Digest> right_;  // one a user
  std::vector<Digest> wrong_;            // the last ones
  std::size_t next_wrong_ = 0;
};

}  // namespace sockdiag
