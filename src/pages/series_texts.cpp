// SPDX-License-Identifier: Apache-2.0
#include "series_texts.hpp"

#include <utility>

#include "sockdiag/metrics/metric_families.hpp"

namespace sockdiag {

template <typename Value>
Sampled<TextPart> ComposedText<Value>::render(const Sampled<Value>& sampled, NamespaceTexts others,
                                              const FamilyPatterns& excluded) {
  if (sampled.value == nullptr) return {};
  if (sampled.value != value_) host_.reset();
  if (sampled.value != value_ || others != others_) {
    if (!host_) host_ = render_by_family(*sampled.value, excluded);
    if (others.empty()) {
      part_ = std::make_shared<const TextPart>(std::move(host_->text));
      host_.reset();
    } else {
      part_ = std::make_shared<const TextPart>(compose<Value>(*host_, others));
    }
    others_ = std::move(others);
    value_ = sampled.value;
  }
  return {part_, sampled.withdrawn_after};
}

void SeriesTexts::render(const Samples& samples, const FamilyPatterns& excluded,
                         const std::shared_ptr<const PortNames>& names, TimePoint now,
                         Exposition& exposition) {
  forget_if_changed(excluded);
  render_namespaces(samples);
  exposition.tcp =
      tcp_.render(samples.tcp, fresh(&NamespaceSample::tcp, &OwnerTexts::tcp, now), excluded);
  exposition.listeners = listeners_.render(
      samples.listeners, fresh(&NamespaceSample::listeners, &OwnerTexts::listeners, now), excluded);
  exposition.kernel = kernel_.render(
      samples.kernel, fresh(&NamespaceSample::counters, &OwnerTexts::counters, now), excluded);
  exposition.owners = owners_text(samples, names, now);
  exposition.namespaces = namespaces_text(samples.namespaces);
}

// Which series have begun stays known.
void SeriesTexts::forget_if_changed(const FamilyPatterns& excluded) {
  if (excluded == excluded_) return;
  excluded_ = excluded;
  tcp_.forget();
  listeners_.forget();
  kernel_.forget();
  owners_part_ = nullptr;
  namespaces_part_ = nullptr;
  namespaces_ = nullptr;
  for (auto& [labels, texts] : by_owner_) {
    texts.tcp.value = nullptr;
    texts.listeners.value = nullptr;
    texts.counters.value = nullptr;
  }
}

// Forgets the owners that have gone.
void SeriesTexts::render_namespaces(const Samples& samples) {
  if (samples.namespaces.value == namespaces_) return;
  std::map<SharedOwnerLabels, OwnerTexts> by_owner;
  if (samples.namespaces.value != nullptr) {
    for (const NamespaceSample& sample : samples.namespaces.value->samples) {
      const SharedOwnerLabels& owner = sample.owner;
      auto node = by_owner_.extract(owner);
      OwnerTexts& texts =
          node.empty() ? by_owner[owner] : by_owner.insert(std::move(node)).position->second;
      update(*owner, sample.tcp, texts.tcp);
      update(*owner, sample.listeners, texts.listeners);
      update(*owner, sample.counters, texts.counters);
    }
  }
  by_owner_ = std::move(by_owner);
  namespaces_ = samples.namespaces.value;
  namespaces_part_ = nullptr;
}

template <typename Value>
void SeriesTexts::update(const OwnerLabels& owner, const Sampled<Value>& sampled,
                         Kept<Value>& kept) const {
  if (sampled.value == kept.value) return;
  kept.text = sampled.value == nullptr ? nullptr
                                       : std::make_shared<const NamespaceText>(render_of_namespace(
                                             owner, *sampled.value, kept.text.get(), excluded_));
  kept.value = sampled.value;
}

template <typename Value>
NamespaceTexts SeriesTexts::fresh(Sampled<Value> NamespaceSample::*sampled,
                                  Kept<Value> OwnerTexts::*kept, TimePoint now) const {
  NamespaceTexts texts;
  if (namespaces_ == nullptr) return texts;
  for (const NamespaceSample& sample : namespaces_->samples) {
    if (!(sample.*sampled).is_fresh(now)) continue;
    texts.push_back((by_owner_.at(sample.owner).*kept).text);
  }
  return texts;
}

// Names of ports are shown as long as the sockets are fresh, also where owners are not known.
Sampled<TextPart> SeriesTexts::owners_text(const Samples& samples,
                                           const std::shared_ptr<const PortNames>& names,
                                           TimePoint now) {
  const bool has_owners = samples.owners.is_fresh(now);
  OwnersKey key{has_owners ? samples.owners.value : nullptr,
                names != nullptr && !names->empty() ? samples.tcp.value : nullptr, names};
  if (key.owners == nullptr && key.tcp == nullptr) return {};
  if (owners_part_ == nullptr || key != owners_key_) {
    const OwnedSockets sockets{key.owners.get(), key.tcp.get(), names.get()};
    owners_part_ = std::make_shared<const TextPart>(sockdiag::render(sockets, excluded_));
    owners_key_ = std::move(key);
  }
  return {owners_part_, has_owners ? samples.owners.withdrawn_after : samples.tcp.withdrawn_after};
}

Sampled<TextPart> SeriesTexts::namespaces_text(const Sampled<NamespacesSnapshot>& namespaces) {
  if (namespaces.value == nullptr) return {};
  if (namespaces_part_ == nullptr) {
    namespaces_part_ =
        std::make_shared<const TextPart>(sockdiag::render(*namespaces.value, excluded_));
  }
  return {namespaces_part_, namespaces.withdrawn_after};
}

}  // namespace sockdiag
