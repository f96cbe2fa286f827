// SPDX-License-Identifier: Apache-2.0
#pragma once

// An array that takes memory only while it holds another value than the usual one, which its owner
// knows. Not thread-safe.

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

namespace sockdiag {

template <typename Value, std::size_t Size>
class SparseArray {
 public:
  [[nodiscard]] Value at(std::size_t index, const Value& usual = {}) const noexcept {
    return values_ != nullptr ? (*values_)[index] : usual;
  }

  // Call before set() with another value than the usual one. Throws std::bad_alloc and then leaves
  // the array unchanged.
  void make_room_for(const Value& value, const Value& usual = {}) {
    if (values_ != nullptr || value == usual) return;
    values_ = std::make_unique<std::array<Value, Size>>();
    values_->fill(usual);
  }

  // Without room, `value` is the usual one.
  void set(std::size_t index, const Value& value) noexcept {
    if (values_ != nullptr) (*values_)[index] = value;
  }

  // Frees the memory if all values are `usual`. Returns true if the array has none.
  bool free_if_all_are(const Value& usual) noexcept {
    const auto is_usual = [&](const Value& value) { return value == usual; };
    if (values_ != nullptr && std::all_of(values_->begin(), values_->end(), is_usual)) {
      values_.reset();
    }
    return values_ == nullptr;
  }

  // Bytes that are allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return values_ != nullptr ? sizeof(*values_) : 0;
  }

 private:
  std::unique_ptr<std::array<Value, Size>> values_;
};

}  // namespace sockdiag
