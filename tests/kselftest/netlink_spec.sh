#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Documentation/netlink/uvf.yaml and include/uapi/linux/uvf.h tell one story: see netlink_spec.py.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
need python3
python3 -c 'import yaml' 2>/dev/null || skip_all "python3 has no module 'yaml'"

spec=Documentation/netlink/uvf.yaml header=include/uapi/linux/uvf.h
other=$(mktemp) || exit 1
at_exit rm -f "$other"

check() { tests/kselftest/netlink_spec.py "$@"; }

# differs TEXT FILE SED-SCRIPT: found, once that file is edited so
differs() {
	sed "$3" "$2" >"$other"
	if cmp -s "$other" "$2"; then
		fail "$3 changes $2"
	elif [[ $2 == "$spec" ]]; then
		expect_fail "$1" check "$other" $header
	else
		expect_fail "$1" check $spec "$other"
	fi
}

ok "the specification and the header agree" check $spec $header

# --- and the check would see it
differs 'UVF_A_FUNCTION_X is specified as 3' $spec 's/^        name: state$/        name: x\n        type: u32\n        doc: x.\n      -\n&/'
differs 'UVF_QUEUE_LEASE_COPY' $header 's/^\tUVF_QUEUE_LEASE_COPY,/\tUVF_QUEUE_LEASE_COPY = 2,/'
differs 'UVF_CMD_FUNCTION_CHANGE_NTF is .* 4 .* 5 ' $header 's/^\tUVF_CMD_FUNCTION_DEL_NTF,/&\n\tUVF_CMD_X,/'
differs 'UVF_CMD_X' $header 's/^\tUVF_CMD_ROUTE_DEL,/&\n\tUVF_CMD_X,/'
differs 'UVF_A_X_Y' $header 's/^\tUVF_CMD_FUNCTION_GET = 1,/\tUVF_A_X_Y,\n\tUVF_CMD_FUNCTION_GET = 1,/'
differs 'UVF_A_QUEUE_X' $header 's/^\tUVF_A_QUEUE_LEASE,/&\n\tUVF_A_QUEUE_X,/'
differs 'UVF_FAMILY_NAME' $spec 's/^name: uvf/name: uvx/'
differs 'UVF_MCGRP_OTHER' $spec '/^mcast-groups/,$s/name: events/name: other/'
differs "has no 'doc'" $spec '0,/doc: Ethernet address/{/doc: Ethernet address/d}'
differs "'pci' .* max-len" $spec 's/max-len: 23/max-len: 24/'
differs 'no attribute set .quux' $spec 's/nested-attributes: queue/nested-attributes: quux/'
differs 'no attribute .quux' $spec 's/^            - vlan$/            - quux/'
differs "'frob' is not known" $spec 's/^        multi-attr: true/        frob: true/'
