# SPDX-License-Identifier: Apache-2.0
"""What sampling and scraping cost; ../README.md says how to run and read each benchmark."""
