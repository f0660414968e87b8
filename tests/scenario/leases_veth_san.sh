#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The life of functions and leases, with uvfd, uvf and the firewall under the sanitizers: each
# reports what it leaked at its end, and ends with a status that the scenario does not accept.
UVF_BUILD=build/san BACKEND=veth exec "$(dirname "$0")/leases.sh"
