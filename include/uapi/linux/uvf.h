/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * uvf: virtual functions for any network card
 *
 * This header is the manual of the kernel ABI of uvf.ko; the enumerations follow at the end.
 *
 * A *function* is a virtual PCI function and a network device of kind "uvf" that belongs
 * together with it. It sits on an *uplink*, an Ethernet device, and takes from the uplink what
 * is addressed to it. It is made for one *appliance*, a program or a virtual machine, of which
 * the kernel knows no more than an opaque name.
 *
 *
 * MAKING AND REMOVING A FUNCTION
 *
 * Over rtnetlink, as any link: RTM_NEWLINK with
 *
 *	IFLA_LINK		u32, ifindex of the uplink; required
 *	IFLA_IFNAME		as ever
 *	IFLA_ADDRESS		6 bytes, unicast; random if left out
 *	IFLA_MTU		at most the uplink's, which is also the default
 *	IFLA_LINKINFO
 *	    IFLA_INFO_KIND	"uvf"
 *	    IFLA_INFO_DATA	attributes of enum uvf_link_attr:
 *
 *	IFLA_UVF_APPLIANCE	string, 1 to 31 characters, a letter or a digit first, then letters,
 *				digits, '.', '_' and '-'. Optional. May be changed later, while the
 *				function is down.
 *	IFLA_UVF_VLAN		u16, 1 to 4094. Optional and fixed for life. The function gets only
 *				frames that carry this 802.1Q tag, without the tag, and each frame
 *				that it sends gets the tag.
 *	IFLA_UVF_MODE		u32, enum uvf_mode: who else on the uplink the function speaks with.
 *				Optional, private by default. Private and bridge may be exchanged
 *				for each other at any time.
 *	IFLA_UVF_QUEUES		u32, 1 to UVF_MAX_QUEUES, pairs of a receive and a transmit queue.
 *				Optional, 1 by default. Later: `ethtool -L fw0 combined N`.
 *	IFLA_UVF_TX_RATE	u64, UVF_TX_RATE_MIN to UVF_TX_RATE_MAX: how many bits a second the
 *				function may send. 0, the default: as many as it can.
 *	IFLA_UVF_TX_PPS		u32, 1 to UVF_TX_PPS_MAX: how many frames a second; 0 as above
 *	IFLA_UVF_TX_BURST	u32, UVF_TX_BURST_MIN to UVF_TX_BURST_MAX: how many bytes at once,
 *				after a pause. Needs a rate, and goes with it. 0, the default: a
 *				fiftieth of the rate, 65536 at least.
 *	IFLA_UVF_TX_MIRROR	string, the PCI address of another function, which receives a copy
 *				of each frame that this one sends. Empty, the default: none does.
 *	IFLA_UVF_REDIRECT	string, the PCI address of another function of the same uplink and
 *				VLAN, which receives what this one would. Empty, the default: none.
 *	IFLA_UVF_PCI		string, "10000:00:01.0", address of the PCI function. Reported, and
 *				refused when given.
 *
 * In words of iproute2, with its plug-in link_uvf.so:
 *
 *	ip link add link eth1 name fw0 type uvf appliance firewall vlan 7
 *	ip link add link eth1 name fw1 type uvf mode bridge queues 4
 *	ip link set fw0 type uvf tx_rate 100mbit tx_mirror ids0
 *	ip link set fw0 type uvf redirect fw1
 *	ip -d link show fw0
 *	ip link del fw0
 *
 * To make a function, or to change its appliance, limit, mirror or redirect, takes CAP_NET_ADMIN in
 * the initial user namespace. Once RTM_NEWLINK is answered, lspci, `ip -d link` and `ethtool -i`
 * name the same PCI address. A function goes with RTM_DELLINK, with its uplink, with its network
 * namespace, with its PCI device (sysfs `remove`), or with the module. It may move to another
 * network namespace; the uplink stays where it is.
 *
 *
 * WHAT A FUNCTION RECEIVES
 *
 * A function is addressed by the pair of its MAC address and VLAN, unique on its uplink.
 *
 *	vlan N		frames to its address with the tag N; the tag is taken off
 *	no vlan		frames to its address with no tag, or with any tag that no sibling with
 *			the same address has as its vlan; tags are left in place
 *
 * Broadcast reaches each function that is up, and the host; so does multicast that the function
 * has joined (all of it with IFF_ALLMULTI or IFF_PROMISC). With vlan N, only what is tagged N.
 * With several queues, the hash of its flow (addresses, ports) gives a frame its queue.
 *
 * All other frames are the host's, untouched. An 802.1Q interface of the host's own on the
 * uplink comes before any function without vlan, and none with the same ID can exist beside a
 * function with vlan.
 *
 * Frames come in by two ways, and may come by both at a time:
 *
 *	slow path	the uplink's receive handler. Nothing needs to be set up.
 *	fast path	an XDP program on the uplink, attached in native mode, redirects by DEVMAP
 *			to the function's ifindex. Such a frame counts as *received by* the
 *			function. It comes with its tag, which the module takes off for a function
 *			with vlan; what has another tag or none is dropped there. (In generic mode
 *			the kernel would transmit the frame through the function instead: a program
 *			attached that way has to pass, and leaves the frame to the slow path.)
 *
 * What the function sends goes out of the uplink, and nowhere else, in the mode
 *
 *	private		Siblings, the functions of one uplink, reach each other only through
 *			a switch beyond it that sends frames back (hairpin).
 *	bridge		A frame for the address and VLAN of a sibling that is in this mode too goes
 *			to the sibling, not out of the uplink; broadcast and multicast do both.
 *			From AF_XDP to AF_XDP it is copied once, from UMEM to UMEM.
 *	passthru	The only function of its uplink, which is promiscuous while the function
 *			is up. It receives, tags in place, what is addressed to anybody but the
 *			uplink's own address, and all broadcast and multicast; the host has the
 *			uplink's address, broadcast and multicast as ever. Excludes `vlan`.
 *
 * As with macvlan, function and host do not reach each other over their common uplink.
 *
 *
 * LIMIT AND MIRROR OF WHAT A FUNCTION SENDS
 *
 * They hold for all that leaves the function's network device: of the stack, of AF_XDP sockets, of
 * XDP_TX; to the uplink and to siblings. They may change at any time, and a limit that is set, also
 * anew, begins with a full burst. Counted are Ethernet frames without FCS and without the tag of
 * `vlan`; of what the stack hands over for segmentation, each segment. Something is sent as long
 * as anything is left of the burst, so that this may be exceeded by the last frame, and by one for
 * each further processor. Of frames, the burst is a fiftieth of a second's, 16 at least.
 *
 * What is over the limit
 *
 *	of a zero-copy AF_XDP socket	stays in its transmit ring, as if the uplink had no room
 *	of the stack, which includes	is dropped, and counted as tx_limit (ethtool -S); the sender
 *	sockets in copy mode		is told (NET_XMIT_DROP, ENOBUFS)
 *	of XDP_TX			is dropped, and counted as tx_limit
 *
 * A copy for a mirror comes to it as if from its uplink: into its ring, to its program, socket or
 * stack; with the tag of `vlan`, if the function that sent it has one, unless the mirror is of the
 * same VLAN. It is lost while the mirror is down or has no room, without harm to what is sent; what
 * the uplink then has no room for was copied as well. A copy is received, so no limit counts it. A
 * function that is a mirror has none itself: nothing is copied twice. Several functions may have
 * the same mirror, of another uplink or network namespace as well. The mirror ends with either
 * function; to take it off while frames are sent is sound. While a function has one, what it sends
 * to siblings goes through their rings, not from UMEM to UMEM.
 *
 *
 * WHAT ANOTHER FUNCTION RECEIVES INSTEAD
 *
 * With a redirect, what would be this function's is the other's, as it came, and is counted there:
 * from the uplink by either path, and from siblings. So an appliance moves to another function, or
 * is replaced by one there, while peers go on to send to the address that they know. The function
 * keeps address, VLAN and mode, and what it sends goes out as ever.
 *
 *	both up		A redirect works while both functions are up; else the function receives
 *			for itself, as without one.
 *	stack		What is for the address of the function is for the other's host stack, too.
 *	broadcast	What either function would get without a redirect, multicast as well, the
 *			other one gets, once; this one gets none.
 *	copies		What this function would get as a mirror the other one gets, unless that
 *			has a mirror itself.
 *	mode		Siblings reach the other by this function's address if this one is in
 *			bridge mode, whichever mode the other one is in.
 *	own address	What either of the two sends to the address of this function is for the
 *			uplink, as is what any function sends to its own. But what an XDP program
 *			of the other one redirects to this one by DEVMAP comes back to it.
 *	MTU		The other's should be no less: what is longer it may have no room for.
 *
 * It is set and taken off while frames come without that one is lost: what is in this function's
 * rings by then remains there. A function that has a redirect receives for no other: there is no
 * chain and no circle. Several may have the same one. It ends with either function; when the other
 * one goes, that is told (RTM_NEWLINK and UVF_CMD_FUNCTION_CHANGE_NTF) of the function that loses
 * it.
 *
 *
 * AF_XDP AND XDP
 *
 * Any AF_XDP program binds the function's netdev. On each queue XDP_ZEROCOPY is
 * supported: a received frame is copied once, into the UMEM; a sent frame once, out of it. The
 * UMEM chunk less its headroom and XDP's 256 bytes must hold MTU + 18 bytes, else bind() fails
 * with EMSGSIZE (or EINVAL, where the kernel has a check of its own), and falls back to copy mode
 * where XDP_ZEROCOPY was not given. While it is bound the MTU can't be raised above that: EMSGSIZE,
 * with a sentence in the kernel's log. Socket and XDP program may come in any order. From Linux 6.6
 * on, a socket bound with XDP_USE_SG, and a program that knows of fragments, take longer frames in
 * several chunks. An XDP program works with an MTU of up to 16,366: it sees a frame in one piece,
 * but for those in several chunks of a UMEM.
 *
 * While the uplink has no room, frames of a zero-copy socket stay in its transmit ring. An uplink
 * that has taken none for 10 ms is stuck: they are dropped, and counted as tx_uplink.
 *
 *
 * THE PCI SIDE
 *
 * The module makes a PCI domain of its own, 0x10000 or above. Its functions have
 *
 *	vendor 0x1af4, device 0x10f0 (of the range that Red Hat leaves for experiments)
 *	subsystem the same
 *	class 0x020000, Ethernet, while the function is in use by a network device
 *	class 0xff0000, unassigned, while it is spare
 *
 *	BAR 0, 64-bit memory, 4 KiB: the MSI-X table at 0, its pending bits at 0x800
 *	MSI, 32 messages, 64-bit, masked by vector
 *	MSI-X, 32 entries, in BAR 0
 *
 * and neither ROM nor interrupt pin. They are made before they are needed: RTM_NEWLINK takes the
 * spare one with the lowest address. Module parameter
 *
 *	spare		how many spare functions are kept ready, 1 to 256, 16 by default. They are
 *			topped up after a function was taken; what is freed becomes spare. There
 *			are at most UVF_MAX_FUNCTIONS, spare ones included.
 *
 * The driver that binds is "uvf"; it brings the interrupts. The network device lives on when it is
 * unbound, without. Bound to "uvf-vfio" instead, by driver_override, the function is a VFIO device:
 * <linux/uvf_vfio.h>. Sysfs `remove` takes the network device first; `rescan` brings the function
 * back as a spare one, its configuration space as it was at first.
 *
 * BAR 0 is memory. Nothing happens upon a write to it, and an address written to the register is
 * read back but moves nothing.
 *
 * When a function comes into use, the PCI device emits the uevent "change" with
 * UVF_FUNCTION=<name of the network device> and UVF_APPLIANCE=<appliance, may be empty>; when it
 * is free again, "change" with both empty.
 *
 *
 * INTERRUPTS
 *
 * While the driver is bound, a function in use has MSI-X vectors, or where these can't be had,
 * MSI ones: vector 0 for the mailbox, 1 + q for queue q. /proc/interrupts calls them after the
 * network device, "fw0-ctl", "fw0-0" and so on, also after it was renamed.
 *
 *	fw0-ctl		counts changes of carrier, MTU, address and appliance
 *	fw0-0		work for queue 0: frames came, or an AF_XDP socket's wake-up
 *
 * A queue's NAPI runs on the processor that raised its vector, if /proc/irq/N/smp_affinity names
 * it; else on the first one that it names. While NAPI runs, more work raises no more interrupts.
 * Enable and mask bits that are written behind the kernel's back, with setpci, hold nothing up.
 * Without vectors all is as with them, but NAPI runs on the processor that has the work.
 *
 *
 * CONTROL: GENERIC NETLINK
 *
 * The family UVF_FAMILY_NAME tells what functions there are, and what changes, and routes their
 * interrupts. Functions are made, changed and removed over rtnetlink alone. For tools, the same is
 * written as a specification in Documentation/netlink/uvf.yaml.
 *
 *	UVF_CMD_FUNCTION_GET	do: the function with this UVF_A_FUNCTION_IFINDEX (in the network
 *				namespace of the socket) or this UVF_A_FUNCTION_PCI; one of the two.
 *				dump: all functions, in the order of their PCI addresses; takes no
 *				attribute. If one came or went meanwhile, messages carry
 *				NLM_F_DUMP_INTR: ask again.
 *
 *	UVF_CMD_FUNCTION_ADD_NTF, UVF_CMD_FUNCTION_DEL_NTF, UVF_CMD_FUNCTION_CHANGE_NTF
 *				to the multicast group UVF_MCGRP_EVENTS: a function was made or came
 *				into the namespace; is going or moves to another namespace; has
 *				another link state, name, address, MTU, appliance, mode, number of
 *				queues, zero-copy lease, limit, mirror or redirect.
 *				The attributes are those of UVF_CMD_FUNCTION_GET, as they are now
 *				(DEL_NTF: as they were). A change is told at least once, and may be
 *				told again; ENOBUFS from the socket means that events were lost.
 *
 *	UVF_CMD_VECTOR_GET	do: the vector with this UVF_A_VECTOR_ID of the function with this
 *				UVF_A_VECTOR_IFINDEX or UVF_A_VECTOR_PCI. dump: all vectors of all
 *				functions, as above.
 *
 *	UVF_CMD_ROUTE_ADD	makes a route between a vector and the eventfd with the descriptor
 *				UVF_A_ROUTE_EVENTFD of the calling process: see below.
 *	UVF_CMD_ROUTE_DEL	ends it; only the socket that has made it may.
 *
 * Attributes of a function, enum UVF_A_FUNCTION_*:
 *
 *	IFINDEX			u32, of the function's network device
 *	PCI			string of at most UVF_PCI_SIZE bytes, "10000:00:01.0"
 *	STATE			u32, enum uvf_function_state. A spare function has no more than PCI
 *				and STATE; nor has a used one for the moment that its network device
 *				takes to go.
 *	IFNAME			string, name of the network device
 *	NETNS_ID		s32, namespace of the network device, if it is another than that of
 *				the socket; IFINDEX and IFNAME are those there
 *	UPLINK_IFINDEX		u32
 *	UPLINK_NETNS_ID		s32, namespace of the uplink, if it is another than the socket's
 *	APPLIANCE		string, if there is one
 *	VLAN			u16, if there is one
 *	MAC			6 bytes
 *	MTU			u32
 *	LINK_STATE		u32, enum uvf_link_state
 *	QUEUE			nest, once for each queue, with attributes UVF_A_QUEUE_*:
 *	    ID			    u32, counted from 0
 *	    LEASE		    u32, enum uvf_queue_lease: what kind of AF_XDP socket has it. Of
 *				    copy mode a driver is not told, so there is no event for that.
 *
 *	VECTORS			u32, how many interrupt vectors it has: one, and one for each queue
 *	MODE			u32, enum uvf_mode
 *	TX_RATE			u32 or u64, bits a second; if there is such a limit
 *	TX_PPS			u32, frames a second, likewise
 *	TX_BURST		u32, bytes, if that was said
 *	TX_MIRROR		string, PCI address of who gets copies, if somebody does
 *	REDIRECT		string, PCI address of who receives what would be its own, likewise
 *
 * Attributes of a vector, enum UVF_A_VECTOR_*: the function's IFINDEX (where that is in the
 * namespace of the socket) and PCI; ID, u32, counted from 0; IRQ, u32, Linux' number of it, while
 * the driver is bound; IN_OWNER and OUT_OWNER, u32, netlink ports of the sockets that have made its
 * routes, if there are routes.
 *
 * Attributes of a route, enum UVF_A_ROUTE_*: the function's IFINDEX or PCI; VECTOR, u32;
 * DIRECTION, u32, enum uvf_route_direction; EVENTFD, u32, not for UVF_CMD_ROUTE_DEL.
 *
 *	in		Who writes to the eventfd raises the vector, on the processor that its
 *			affinity names. The eventfd is emptied by that; what is written before an
 *			interrupt was delivered is one interrupt. What was written before there
 *			was a route raises once.
 *	out		Each delivery of the vector adds one to the eventfd. The function goes on as
 *			it would without.
 *
 * A vector has at most one route in and one out. An eventfd can be the target of several vectors,
 * or raise one; not both, since vectors could then raise each other for ever. A route ends with
 * UVF_CMD_ROUTE_DEL; when the netlink socket that made it is closed, by the last process that has
 * it; when the eventfd is closed likewise; and when the vector or the function's network device
 * goes. It outlives the driver's being unbound; what is raised meanwhile is lost. To make a route
 * takes CAP_NET_ADMIN in the initial user namespace.
 *
 * Nobody needs a capability to ask or to listen. In any network namespace, one sees the functions
 * whose network device is there, wholly. In the initial one,
 *
 *	everybody		also sees spare functions (as in sysfs), and is told of functions
 *				elsewhere no more than that they come, change and go: PCI, STATE and
 *				NETNS_ID of the event;
 *	CAP_NET_ADMIN		in the initial user namespace sees all functions wholly, wherever
 *				they are.
 *
 *
 * REFUSALS
 *
 * Each comes with a sentence in NLMSGERR_ATTR_MSG, and changes nothing.
 *
 *	EPERM		CAP_NET_ADMIN is missing in the initial user namespace; a route is another
 *			socket's
 *	EINVAL		no IFLA_LINK; an attribute that is unknown, malformed, out of range or
 *			read-only; an uplink that is no Ethernet device, a loopback device or itself
 *			a function or above one; an MTU above the uplink's, or too large for the
 *			XDP program that is there; a burst without a rate; a mirror of itself, or of
 *			another VLAN; a redirect to itself, or to a function of another uplink or
 *			VLAN
 *			Generic netlink: neither or both of ifindex and PCI address, an attribute
 *			missing, or given in a dump; a descriptor that is not an eventfd's
 *	ENODEV		IFLA_LINK names no device; no function in use has the PCI address of
 *			IFLA_UVF_TX_MIRROR or IFLA_UVF_REDIRECT. Generic netlink: no function that
 *			one sees has that ifindex or PCI address; the function is spare
 *	ENOENT		there is no such route
 *	ERANGE		the function has no such vector; an attribute is out of range
 *	EBADF		the descriptor is not open
 *	ELOOP		the eventfd has a route in the other direction; the mirror has a mirror, or
 *			the function is one; the target of a redirect has one itself, or the
 *			function is a target
 *	ENETDOWN	the uplink is down
 *	EBUSY		the uplink has a receive handler (it is in a bridge, bond, macvlan or the
 *			like); it has a function in passthru mode, or any where passthru is asked
 *			for; a change of the appliance while the function is up; the vector has
 *			a route in this direction, or the eventfd raises another one
 *	EADDRNOTAVAIL	the address is no unicast address
 *	EADDRINUSE	a function with this address and VLAN exists on the uplink, or the address
 *			is the uplink's own. An uplink, too, may not take a function's address.
 *	EEXIST		the name is taken; the uplink has an 802.1Q interface with the ID of `vlan`
 *	EOPNOTSUPP	a change of `vlan`, of `queues` through rtnetlink, to or from passthru
 *	EAGAIN		no spare function, and none came within a second: try again. Making one
 *			needs a lock that PCI removal holds while it waits for rtnetlink.
 *	EMSGSIZE	an MTU too large for a UMEM that is bound; this sentence is in the log, for
 *			the core takes none from a driver here
 *	ENOSPC		UVF_MAX_FUNCTIONS are in use
 */
#ifndef _UAPI_LINUX_UVF_H
#define _UAPI_LINUX_UVF_H

#define UVF_KIND		"uvf"

/* Size of an appliance's name, the final NUL included */
#define UVF_APPLIANCE_SIZE	32

#define UVF_VLAN_MIN		1
#define UVF_VLAN_MAX		4094

#define UVF_MAX_FUNCTIONS	1024

/* Size of a PCI address as text, the final NUL included */
#define UVF_PCI_SIZE		24

#define UVF_PCI_VENDOR		0x1af4
#define UVF_PCI_DEVICE		0x10f0
#define UVF_PCI_CLASS_USED	0x020000
#define UVF_PCI_CLASS_SPARE	0xff0000

/* The PCI function has vectors for no more. */
#define UVF_MAX_QUEUES		16

/* What a limit may be, where it is not 0: bits a second, frames a second, bytes */
#define UVF_TX_RATE_MIN		8000
#define UVF_TX_RATE_MAX		400000000000ULL
#define UVF_TX_PPS_MAX		100000000
#define UVF_TX_BURST_MIN	64
#define UVF_TX_BURST_MAX	67108864

enum uvf_mode {
	UVF_MODE_PRIVATE,
	UVF_MODE_BRIDGE,
	UVF_MODE_PASSTHRU,

	__UVF_MODE_MAX
};

#define UVF_MODE_MAX		(__UVF_MODE_MAX - 1)

/* Attributes inside IFLA_INFO_DATA */
enum uvf_link_attr {
	IFLA_UVF_UNSPEC,
	IFLA_UVF_APPLIANCE,
	IFLA_UVF_VLAN,
	IFLA_UVF_PCI,
	IFLA_UVF_MODE,
	IFLA_UVF_QUEUES,
	IFLA_UVF_TX_RATE,
	IFLA_UVF_TX_PPS,
	IFLA_UVF_TX_BURST,
	IFLA_UVF_TX_MIRROR,
	IFLA_UVF_REDIRECT,

	__IFLA_UVF_MAX
};

#define IFLA_UVF_MAX		(__IFLA_UVF_MAX - 1)

/* Generic netlink. What follows agrees with Documentation/netlink/uvf.yaml. */

#define UVF_FAMILY_NAME		"uvf"
#define UVF_FAMILY_VERSION	1

#define UVF_MCGRP_EVENTS	"events"

enum uvf_function_state {
	UVF_FUNCTION_STATE_SPARE,
	UVF_FUNCTION_STATE_USED,
};

enum uvf_link_state {
	UVF_LINK_STATE_DOWN,
	UVF_LINK_STATE_NO_CARRIER,
	UVF_LINK_STATE_UP,
};

enum uvf_queue_lease {
	UVF_QUEUE_LEASE_NONE,
	UVF_QUEUE_LEASE_COPY,
	UVF_QUEUE_LEASE_ZERO_COPY,
};

enum uvf_route_direction {
	UVF_ROUTE_DIRECTION_IN,
	UVF_ROUTE_DIRECTION_OUT,
};

enum {
	UVF_A_FUNCTION_IFINDEX = 1,
	UVF_A_FUNCTION_PCI,
	UVF_A_FUNCTION_STATE,
	UVF_A_FUNCTION_IFNAME,
	UVF_A_FUNCTION_NETNS_ID,
	UVF_A_FUNCTION_UPLINK_IFINDEX,
	UVF_A_FUNCTION_UPLINK_NETNS_ID,
	UVF_A_FUNCTION_APPLIANCE,
	UVF_A_FUNCTION_VLAN,
	UVF_A_FUNCTION_MAC,
	UVF_A_FUNCTION_MTU,
	UVF_A_FUNCTION_LINK_STATE,
	UVF_A_FUNCTION_QUEUE,
	UVF_A_FUNCTION_VECTORS,
	UVF_A_FUNCTION_MODE,
	UVF_A_FUNCTION_TX_RATE,
	UVF_A_FUNCTION_TX_PPS,
	UVF_A_FUNCTION_TX_BURST,
	UVF_A_FUNCTION_TX_MIRROR,
	UVF_A_FUNCTION_REDIRECT,

	__UVF_A_FUNCTION_MAX,
	UVF_A_FUNCTION_MAX = (__UVF_A_FUNCTION_MAX - 1)
};

enum {
	UVF_A_QUEUE_ID = 1,
	UVF_A_QUEUE_LEASE,

	__UVF_A_QUEUE_MAX,
	UVF_A_QUEUE_MAX = (__UVF_A_QUEUE_MAX - 1)
};

enum {
	UVF_A_VECTOR_IFINDEX = 1,
	UVF_A_VECTOR_PCI,
	UVF_A_VECTOR_ID,
	UVF_A_VECTOR_IRQ,
	UVF_A_VECTOR_IN_OWNER,
	UVF_A_VECTOR_OUT_OWNER,

	__UVF_A_VECTOR_MAX,
	UVF_A_VECTOR_MAX = (__UVF_A_VECTOR_MAX - 1)
};

enum {
	UVF_A_ROUTE_IFINDEX = 1,
	UVF_A_ROUTE_PCI,
	UVF_A_ROUTE_VECTOR,
	UVF_A_ROUTE_DIRECTION,
	UVF_A_ROUTE_EVENTFD,

	__UVF_A_ROUTE_MAX,
	UVF_A_ROUTE_MAX = (__UVF_A_ROUTE_MAX - 1)
};

enum {
	UVF_CMD_FUNCTION_GET = 1,
	UVF_CMD_FUNCTION_ADD_NTF,
	UVF_CMD_FUNCTION_DEL_NTF,
	UVF_CMD_FUNCTION_CHANGE_NTF,
	UVF_CMD_VECTOR_GET,
	UVF_CMD_ROUTE_ADD,
	UVF_CMD_ROUTE_DEL,

	__UVF_CMD_MAX,
	UVF_CMD_MAX = (__UVF_CMD_MAX - 1)
};

#endif /* _UAPI_LINUX_UVF_H */
