#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What Documentation/libvirt and uvf-vhost-user(8) say to users of libvirt: it is valid by libvirt's
# schema, and a domain that libvirt starts of it has the function for its card, also when the
# interface process was killed.
#
#	wire eth0 ══ eth1 (fw0)  host  uvf front ── libvirt, as nobody: a session of its own ── QEMU
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/vhost.sh"
need ip nsenter ethtool jq python3 qemu-system-x86_64 virt-xml-validate virsh libvirtd
documentation=$(cd "$(dirname "$0")/../../Documentation" && pwd)
domain=$documentation/libvirt/domain.xml

# --- valid ----------------------------------------------------------------------------------------

# In a copy of the domain, for one element another one.
replaced() { # ELEMENT FILE
	python3 - "$domain" "$@" <<-'END'
		import sys, xml.etree.ElementTree as tree
		domain = tree.parse(sys.argv[1]).getroot()
		for parent in domain.iter():
		    for i, child in enumerate(list(parent)):
		        if child.tag == sys.argv[2]:
		            parent[i] = tree.parse(sys.argv[3]).getroot()
		print(tree.tostring(domain, encoding="unicode"))
	END
}

ok "the domain is valid" virt-xml-validate "$domain" domain
replaced interface "$documentation/libvirt/card.xml" >"$tmp/card.xml"
ok "with the other card" virt-xml-validate "$tmp/card.xml" domain
is "  which is in it" "$(grep -c "queues=.2" "$tmp/card.xml")" 1
replaced memoryBacking "$documentation/libvirt/hugepages.xml" >"$tmp/hugepages.xml"
ok "and with huge pages" virt-xml-validate "$tmp/hugepages.xml" domain
sed "s/reconnect enabled='yes'/reconnect enable='yes'/" "$domain" >"$tmp/wrong.xml"
not_ok "a wrong one is not" virt-xml-validate "$tmp/wrong.xml" domain

# What the manual shows is of the domain, line by line.
mapfile -t shown < <(sed -n '/^libvirt$/,/^DPDK$/s/^    *\(<.*\)/\1/p' "$documentation/man/uvf-vhost-user.8.rst")
ok "the manual shows it: ${#shown[@]} lines" test "${#shown[@]}" -ge 10
strange=$(printf '%s\n' "${shown[@]}" | sed "s/'MAC'/'02:00:00:00:00:01'/" | while read -r line; do
	grep -qF -- "$line" "$domain" || echo "$line"
done)
is "  as it is" "$strange" ""

# --- a domain -------------------------------------------------------------------------------------

vhost_topology
mkdir "$tmp/libvirt"
chown nobody "$tmp/libvirt"
nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$tmp/libvirt"
	XDG_RUNTIME_DIR="$tmp/libvirt/run" XDG_CONFIG_HOME='' XDG_CACHE_HOME='' LIBVIRT_AUTOSTART=0)
virsh() { in_ns host "${nobody[@]}" virsh -q -c qemu:///session "$@"; }
"${nobody[@]}" mkdir "$tmp/libvirt/run"
ns_spawn host "${nobody[@]}" libvirtd >"$tmp/libvirtd" 2>&1
libvirtd=$spawned
wait_for 15 virsh uri || bail_out "no libvirtd: $(tail -n 5 "$tmp/libvirtd")"

# Of the documented domain what a machine of this kind has: no KVM, no disk.
sed "s/type='kvm'/type='qemu'/; /<cpu mode/d; /<disk/,/<\/disk>/d; s|/run/uvf/front/fw0.sock|$tmp/fw0.sock|
	s/'02:00:00:00:00:01'/'$fw0_mac'/; s/>2048</>64</; s|<vcpu>2|<vcpu>1|
	s|</type>|</type><boot dev='network'/>|; s|/usr/bin/qemu-system-x86_64|$(type -P qemu-system-x86_64)|" \
	"$domain" >"$tmp/domain.xml"
chmod 644 "$tmp/domain.xml"
# As uvf-front@.service does, with OPTIONS=--owner.
front() { front_start fw0 --socket "$tmp/fw0.sock" --owner nobody; }
show() { in_ns host uvf front show --json fw0 | jq -r "$1"; }
drives() { [[ $(show .connected) == true && $(show '.rings[1].frames') -gt $1 ]]; }
front
at_exit virsh destroy guest
ok "the domain starts" virsh create "$tmp/domain.xml"
ok "its firmware drives the function" wait_for 20 drives 0
front_kill
front
ok "and the next interface process's" wait_for 20 drives 0
words=$(tr '\0' '\n' <"/proc/$(pgrep -u nobody -f "guest=guest,.*$tmp")/cmdline")
like "its memory is shared" "$words" 'memory-backend-memfd.*"share":true'
like "QEMU connects again by itself" "$words" "^socket,id=charnet0,path=$tmp/fw0.sock,reconnect=1$"
like "to vhost-user" "$words" 'vhost-user.*charnet0'
like "its address is the function's" "$words" "virtio-net-pci.*\"mac\":\"$fw0_mac\""
is "the guest's memory is used without a copy" "$(show '[.rings[].path] | unique[]')" shim
ok "the domain ends" virsh destroy guest
alone() { [[ $(show .connected) == false ]]; }
ok "and the interface process waits for the next" wait_for 5 alone
front_stop
kill "$libvirtd"
wait "$libvirtd"
is "libvirtd ends well" "$?" 0
uvfd_stop
