#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads OpenMetrics from standard input, strictly, and prints each sample as "name{labels} value"."""
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

LABELS = ["pci_addr", "function", "uplink", "appliance"]

for family in text_string_to_metric_families(sys.stdin.read()):
    if not family.documentation:
        sys.exit(f"{family.name} has no HELP")
    for sample in family.samples:
        if family.name != "uvf_daemon_up" and list(sample.labels)[:4] != LABELS:
            sys.exit(f"{sample.name} has the labels {list(sample.labels)}")
        labels = ",".join(f"{k}={v}" for k, v in sample.labels.items())
        print(f"{sample.name}{{{labels}}} {sample.value:g}")
