# SPDX-License-Identifier: Apache-2.0
"""The dashboards as tables (host.py, fleet.py), and what makes Grafana's JSON of them."""
