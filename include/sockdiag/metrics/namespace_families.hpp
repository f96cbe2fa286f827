// SPDX-License-Identifier: Apache-2.0
#pragma once

// The families of the host with the series of other network namespaces, which have the labels of
// their owners appended. Text is kept by family and composed, so that what has not changed is not
// rendered again. Pure functions, safe from any thread.
//
// A node has many namespaces, so their series are sparse. A gauge begins with its first value other
// than 0, or with another sign of trouble that its row names, and stays while its port is known. A
// counter begins with its port; that of `other` with its first value other than 0.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sockdiag/core/family_patterns.hpp"
#include "sockdiag/core/namespaces_snapshot.hpp"

namespace sockdiag {

// Text by the rows of a table of families.
struct FamilyText {
  std::string text;
  std::vector<std::size_t> ends;  // of the part of each row
};

// The host's families, each with its HELP and TYPE. Together they are the text of render().
[[nodiscard]] FamilyText render_by_family(const TcpSnapshot& snapshot,
                                          const FamilyPatterns& excluded = {});
[[nodiscard]] FamilyText render_by_family(const ListenerSnapshot& snapshot,
                                          const FamilyPatterns& excluded = {});
[[nodiscard]] FamilyText render_by_family(const KernelValues& values,
                                          const FamilyPatterns& excluded = {});

// The series of one owner's namespaces, without HELP and TYPE.
struct NamespaceText {
  FamilyText by_family;
  std::vector<std::uint64_t> shown;  // hashes of the series that begin sparsely, ascending
};

// `before` is the text of the same owner's last value, or null.
[[nodiscard]] NamespaceText render_of_namespace(const OwnerLabels& owner, const TcpSnapshot& value,
                                                const NamespaceText* before,
                                                const FamilyPatterns& excluded = {});
[[nodiscard]] NamespaceText render_of_namespace(const OwnerLabels& owner,
                                                const ListenerSnapshot& value,
                                                const NamespaceText* before,
                                                const FamilyPatterns& excluded = {});
[[nodiscard]] NamespaceText render_of_namespace(const OwnerLabels& owner,
                                                const NamespaceCounters& value,
                                                const NamespaceText* before,
                                                const FamilyPatterns& excluded = {});

// Returns each family once: its HELP and TYPE, the host's series, and the others in their order.
// `Value` is that of the host: TcpSnapshot, ListenerSnapshot or KernelValues.
template <typename Value>
[[nodiscard]] std::string compose(const FamilyText& host,
                                  std::span<const std::shared_ptr<const NamespaceText>> others);

}  // namespace sockdiag
