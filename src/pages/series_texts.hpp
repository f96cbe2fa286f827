// SPDX-License-Identifier: Apache-2.0
#pragma once

// Renders the values of each publication, and keeps the text of values that have not changed. Not
// safe from two threads at a time. What throws std::bad_alloc can be called again.

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "sockdiag/metrics/namespace_families.hpp"
#include "sockdiag/pages/exposition.hpp"

namespace sockdiag {

using NamespaceTexts = std::vector<std::shared_ptr<const NamespaceText>>;

// The text of one source of the host, with the series of other network namespaces.
template <typename Value>
class ComposedText {
 public:
  // Returns the same part as before if nothing has changed.
  [[nodiscard]] Sampled<TextPart> render(const Sampled<Value>& sampled, NamespaceTexts others,
                                         const FamilyPatterns& excluded);
  void forget() noexcept { *this = {}; }

 private:
  std::shared_ptr<const Value> value_;
  std::optional<FamilyText> host_;  // of `value_`; nothing while there are no others
  NamespaceTexts others_;
  std::shared_ptr<const TextPart> part_;
};

class SeriesTexts {
 public:
  using TimePoint = Sampled<TextPart>::TimePoint;

  // Sets the texts of `exposition`. Leaves out what other namespaces have that is not fresh at
  // `now`.
  void render(const Samples& samples, const FamilyPatterns& excluded,
              const std::shared_ptr<const PortNames>& names, TimePoint now, Exposition& exposition);

 private:
  template <typename Value>
  struct Kept {
    std::shared_ptr<const Value> value;
    std::shared_ptr<const NamespaceText> text;
  };
  // Of the namespaces of one owner.
  struct OwnerTexts {
    Kept<TcpSnapshot> tcp;
    Kept<ListenerSnapshot> listeners;
    Kept<NamespaceCounters> counters;
  };

  void forget_if_changed(const FamilyPatterns& excluded);
  void render_namespaces(const Samples& samples);
  template <typename Value>
  void update(const OwnerLabels& owner, const Sampled<Value>& sampled, Kept<Value>& kept) const;
  template <typename Value>
  [[nodiscard]] NamespaceTexts fresh(Sampled<Value> NamespaceSample::*sampled,
                                     Kept<Value> OwnerTexts::*kept, TimePoint now) const;
  [[nodiscard]] Sampled<TextPart> owners_text(const Samples& samples,
                                              const std::shared_ptr<const PortNames>& names,
                                              TimePoint now);
  [[nodiscard]] Sampled<TextPart> namespaces_text(const Sampled<NamespacesSnapshot>& namespaces);

  FamilyPatterns excluded_;
  ComposedText<TcpSnapshot> tcp_;
  ComposedText<ListenerSnapshot> listeners_;
  ComposedText<KernelValues> kernel_;

  std::shared_ptr<const NamespacesSnapshot> namespaces_;
  std::map<SharedOwnerLabels, OwnerTexts> by_owner_;
  std::shared_ptr<const TextPart> namespaces_part_;

  // What the text of owners is made of.
  struct OwnersKey {
    std::shared_ptr<const OwnerSnapshot> owners;
    std::shared_ptr<const TcpSnapshot> tcp;  // null where no port has a name
    std::shared_ptr<const PortNames> names;

    friend bool operator==(const OwnersKey&, const OwnersKey&) noexcept = default;
  };
  OwnersKey owners_key_;
  std::shared_ptr<const TextPart> owners_part_;
};

}  // namespace sockdiag
