// SPDX-License-Identifier: Apache-2.0
#include "credentials.hpp"

#include <crypt.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "sockdiag/http/security_settings.hpp"

namespace sockdiag {
namespace {

// "$2b$10$", 22 characters of salt, 31 of the result.
constexpr std::size_t kHashLength = 60;
constexpr std::size_t kBeforeResult = 29;
constexpr int kLeastCost = 4;
constexpr int kMostCost = 14;
constexpr std::size_t kBcryptBytes = 72;  // bcrypt itself ignores what follows
constexpr std::size_t kWrongLogins = 256;

struct WipeCrypt {
  void operator()(crypt_data* data) const noexcept {
    ::explicit_bzero(data, sizeof *data);
    delete data;
  }
};

// A NUL would end the password for crypt(3).
class Password {
 public:
  explicit Password(std::string_view text) noexcept
      : is_text_(text.find('\0') == std::string_view::npos) {
    text.copy(text_.data(), kBcryptBytes);
  }
  Password(const Password&) = delete;
  Password& operator=(const Password&) = delete;
  ~Password() { ::explicit_bzero(text_.data(), text_.size()); }

  [[nodiscard]] bool matches(const std::string& hash) const {
    const std::unique_ptr<crypt_data, WipeCrypt> data(new crypt_data{});
    const char* const result = ::crypt_r(text_.data(), hash.c_str(), data.get());
    return result != nullptr && std::strlen(result) == kHashLength && is_text_ &&
           ::CRYPTO_memcmp(result + kBeforeResult, hash.c_str() + kBeforeResult,
                           kHashLength - kBeforeResult) == 0;
  }

 private:
  const bool is_text_;
  std::array<char, kBcryptBytes + 1> text_{};
};

template <typename Digest>
Digest random_key() {
  Digest key{};
  if (::RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) {
    throw std::runtime_error("OpenSSL has no random bytes");
  }
  return key;
}

struct FreeMac {
  void operator()(EVP_MAC* mac) const noexcept { ::EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const noexcept { ::EVP_MAC_CTX_free(context); }
};

// The lengths go in as well, so that no two lists of texts are alike.
template <typename Digest>
Digest hmac(const Digest& key, std::initializer_list<std::string_view> texts) {
  const std::unique_ptr<EVP_MAC, FreeMac> mac(::EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  const std::unique_ptr<EVP_MAC_CTX, FreeMac> context(::EVP_MAC_CTX_new(mac.get()));
  std::array<char, 7> name = {"SHA256"};
  const std::array<OSSL_PARAM, 2> settings = {
      ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
      ::OSSL_PARAM_construct_end()};
  bool good = context != nullptr &&
              ::EVP_MAC_init(context.get(), key.data(), key.size(), settings.data()) == 1;
  for (const std::string_view text : texts) {
    const std::size_t size = text.size();
    const auto update = [&](const void* bytes, std::size_t length) {
      return ::EVP_MAC_update(context.get(), static_cast<const unsigned char*>(bytes), length) == 1;
    };
    good = good && update(&size, sizeof size) && update(text.data(), size);
  }
  Digest digest{};
  std::size_t length = 0;
  good = good && ::EVP_MAC_final(context.get(), digest.data(), &length, digest.size()) == 1;
  if (!good) throw std::runtime_error("OpenSSL cannot compute a digest");
  return digest;
}

template <typename Digest>
bool are_equal(const Digest& one, const Digest& other) noexcept {
  return ::CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

std::optional<std::string> bcrypt_problem(std::string_view hash) {
  constexpr std::string_view kAlphabet =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view kPrefixes = "$2a$ $2b$ $2y$";
  if (hash.size() < 4 || kPrefixes.find(hash.substr(0, 4)) == std::string_view::npos) {
    return "something else";
  }
  if (hash.size() != kHashLength) return std::to_string(hash.size()) + " characters";
  int cost = 0;
  const auto parsed = std::from_chars(hash.data() + 4, hash.data() + 6, cost);
  if (parsed.ptr != hash.data() + 6 || hash[6] != '$') return "one without a cost of two digits";
  if (cost < kLeastCost || cost > kMostCost) return "a cost of " + std::to_string(cost);
  if (hash.find_first_not_of(kAlphabet, 7) != std::string_view::npos) {
    return "one with a character that bcrypt does not write";
  }
  return std::nullopt;
}

Credentials::Credentials(Users users, std::size_t most_at_once)
    : key_(random_key<Digest>()), turns_(most_at_once), users_(std::move(users)) {}

bool Credentials::is_needed() const {
  const std::lock_guard lock(mutex_);
  return !users_.empty();
}

// An unknown user is checked against the hash of another one, always the same, whose result is
// dropped: so it takes as long as that one's wrong passwords.
Credentials::Subject Credentials::subject_of(std::string_view user) const {
  const Digest choice = hmac(key_, {user});
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(std::string(user));
  if (found != users_.end()) return {found->second, true};
  if (users_.empty()) throw std::runtime_error("there are no users");
  return {std::next(users_.begin(), choice.front() % static_cast<std::ptrdiff_t>(users_.size()))
              ->second,
          false};
}

Credentials::Digest Credentials::digest_of(std::string_view user, std::string_view password,
                                           std::string_view hash) const {
  return hmac(key_, {user, password, hash});
}

std::optional<Credentials::Verdict> Credentials::recall(const std::string& user,
                                                        const Digest& digest) const {
  const std::lock_guard lock(mutex_);
  const auto known = right_.find(user);
  if (known != right_.end() && are_equal(known->second, digest)) return Verdict::right;
  const bool wrong = std::any_of(wrong_.begin(), wrong_.end(),
                                 [&](const Digest& each) { return are_equal(each, digest); });
  return wrong ? std::optional(Verdict::wrong) : std::nullopt;
}

void Credentials::remember(const std::string& user, const Digest& digest, bool right) {
  const std::lock_guard lock(mutex_);
  if (right) {
    if (users_.contains(user)) right_[user] = digest;
  } else if (wrong_.size() < kWrongLogins) {
    wrong_.push_back(digest);
  } else {
    wrong_[next_wrong_++ % kWrongLogins] = digest;
  }
}

Credentials::Verdict Credentials::check(std::string_view user, std::string_view password,
                                        const std::string& client) {
  const std::string name(user);
  const Subject subject = subject_of(user);
  const Digest digest = digest_of(user, password, subject.hash);
  if (const auto known = recall(name, digest)) return *known;
  if (!turns_.enter(client)) return Verdict::busy;
  bool right = false;
  const std::shared_ptr<void> at_the_end(nullptr, [&](void*) { turns_.leave(right); });
  const bool matches = Password(password).matches(subject.hash);
  right = matches && subject.exists;
  remember(name, digest, right);
  return right ? Verdict::right : Verdict::wrong;
}

void Credentials::replace(Users users) {
  const std::lock_guard lock(mutex_);
  std::erase_if(right_, [&](const auto& known) {
    const auto found = users.find(known.first);
    return found == users.end() || found->second != users_.at(known.first);
  });
  users_ = std::move(users);
}

}  // namespace sockdiag
