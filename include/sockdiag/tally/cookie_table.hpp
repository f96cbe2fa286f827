// SPDX-License-Identifier: Apache-2.0
#pragma once

// A hash table from socket cookie to a note, for more sockets than any cache holds. It probes
// linearly over slots of one cookie and one note, and uses at most four fifths of them, so that
// most lookups read memory once. prefetch() reads for several lookups at once. The table grows by
// itself and shrinks only in give_back_memory(). An empty table has one slot.
//
// `Note` is a trivially copyable type with a flag `used` that is false in a Note{}; only the table
// writes it. Every 64-bit number is a valid cookie. Not thread-safe.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "sockdiag/core/hash.hpp"

namespace sockdiag {

// Has the one word of the seed that it needs: each network namespace has several tables.
struct CookieHash {
  CookieHash() : CookieHash(process_seed()) {}
  explicit CookieHash(const HashSeed& chosen) noexcept : seed(chosen.words[0]) {}
  [[nodiscard]] std::size_t operator()(std::uint64_t cookie) const noexcept {
    return static_cast<std::size_t>(hash_of_cookie(cookie, seed));
  }
  std::uint64_t seed;
};

template <typename Note>
class CookieTable {
  static_assert(std::is_trivially_copyable_v<Note>);

 public:
  explicit CookieTable(const CookieHash& hash = {}) : slots_(1), hash_(hash) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t slots() const noexcept { return slots_.size(); }

  // Reads the first slot that find() will read for the `cookie` of each socket, so that the lookups
  // wait for memory together instead of one after the other. A batch of 32 is enough. Prefetch
  // instructions would not do: the processor drops them where the page's translation is not cached.
  template <typename Socket>
  void prefetch(std::span<const Socket> sockets) const noexcept {
    for (const Socket& socket : sockets) {
      static_cast<void>(
          *static_cast<const volatile std::uint64_t*>(&slots_[home_of(socket.cookie)].cookie));
    }
  }

  // Returns null if the cookie has no note. The pointer is valid until the table changes.
  [[nodiscard]] Note* find(std::uint64_t cookie) noexcept {
    Slot& slot = slots_[place_of(cookie)];
    return slot.note.used ? &slot.note : nullptr;
  }

  // Returns the cookie's note, and stores `note` first if it has none. Throws std::bad_alloc and
  // then leaves the table unchanged.
  Note& insert(std::uint64_t cookie, const Note& note) {
    std::size_t place = place_of(cookie);
    if (slots_[place].note.used) return slots_[place].note;
    if ((size_ + 1) * kFull.den > slots_.size() * kFull.num) {
      resize(slots_.size() * 2);
      place = place_of(cookie);
    }
    return put(place, cookie, note);
  }

  // Calls is_gone(note) once for each note and erases it if that returns true. is_gone may change
  // the note.
  template <typename Predicate>
  void erase_if(Predicate&& is_gone) noexcept {
    const std::size_t start = first_empty();  // closing a gap moves nothing past an empty slot
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const std::size_t place = (start + i) & mask();
      while (slots_[place].note.used && is_gone(slots_[place].note)) erase_at(place);
    }
  }

  // Shrinks the table if most of its slots are empty. Throws std::bad_alloc and then leaves the
  // table unchanged.
  void give_back_memory() {
    constexpr std::size_t kTooRoomy = 4;  // slots a socket
    if (slots_.size() / kTooRoomy <= size_) return;
    resize(std::bit_ceil(size_ * kFull.den / kFull.num + 1));
  }

 private:
  struct Slot {
    std::uint64_t cookie = 0;
    Note note{};
  };
  struct Share {
    std::size_t num;
    std::size_t den;
  };
  static constexpr Share kFull{4, 5};

  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  [[nodiscard]] std::size_t home_of(std::uint64_t cookie) const noexcept {
    return hash_(cookie) & mask();
  }

  // Returns the slot that holds the cookie, or else the slot to put it into.
  [[nodiscard]] std::size_t place_of(std::uint64_t cookie) const noexcept {
    std::size_t place = home_of(cookie);
    while (slots_[place].note.used && slots_[place].cookie != cookie) place = (place + 1) & mask();
    return place;
  }

  [[nodiscard]] std::size_t first_empty() const noexcept {
    std::size_t place = 0;
    while (slots_[place].note.used) ++place;
    return place;
  }

  Note& put(std::size_t place, std::uint64_t cookie, const Note& note) noexcept {
    Slot& slot = slots_[place];
    slot = {cookie, note};
    slot.note.used = true;
    ++size_;
    return slot.note;
  }

  void resize(std::size_t slots) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
    size_ = 0;
    for (const Slot& slot : old) {
      if (slot.note.used) put(place_of(slot.cookie), slot.cookie, slot.note);
    }
  }

  // Moves later slots up into the gap, if that brings them nearer to their homes. Otherwise lookups
  // would end at the gap.
  void erase_at(std::size_t gap) noexcept {
    const auto behind_home = [&](std::size_t place) {
      return (place - home_of(slots_[place].cookie)) & mask();
    };
    for (std::size_t next = (gap + 1) & mask(); slots_[next].note.used;
         next = (next + 1) & mask()) {
      if (behind_home(next) < ((next - gap) & mask())) continue;
      slots_[gap] = slots_[next];
      gap = next;
    }
    slots_[gap].note = {};
    --size_;
  }

  std::vector<Slot> slots_;  // their number is a power of two
  std::size_t size_ = 0;
  CookieHash hash_;
};

}  // namespace sockdiag
