// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/owner.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("Copies of shared labels are the same labels, others are compared by value") {
  const OwnerLabels cart{.kubernetes_namespace = "shop", .pod = "cart"};
  const SharedOwnerLabels labels = cart;
  const SharedOwnerLabels copy = labels;
  CHECK(&*copy == &*labels);
  CHECK(copy == labels);
  CHECK_FALSE(copy < labels);
  CHECK(*labels == cart);
  CHECK(labels == SharedOwnerLabels(cart));
  CHECK_FALSE(labels < SharedOwnerLabels(cart));
  const SharedOwnerLabels later = OwnerLabels{.kubernetes_namespace = "shop", .pod = "web"};
  CHECK(labels < later);
  CHECK_FALSE(later < labels);
  CHECK(labels != later);
}

TEST_CASE("Shared labels are empty at first") {
  const SharedOwnerLabels none;
  CHECK(none->empty());
  CHECK(none == SharedOwnerLabels(OwnerLabels{}));
  CHECK(none < SharedOwnerLabels(OwnerLabels{.unit = "web.service"}));
}

}  // namespace sockdiag::test
