// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames as they enter a running XDP program, on an uplink or a function. Attached (fentry) only
 * while somebody captures, and free of cost otherwise.
 */
#include "capture.h"
#include "traced.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <uvf/steer.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

const volatile struct capture_filter filter;

/* Is it for the function? Frames for all are for it as well. */
static __always_inline bool is_for_it(void *data)
{
	struct { __u8 to[ETH_ALEN], from[ETH_ALEN]; __be16 proto, tci; } head;
	__u16 vlan = UVF_VLAN_NONE;

	if (!filter.by_address)
		return true;
	if (bpf_probe_read_kernel(&head, sizeof(head), data))
		return false;
	if (head.proto == bpf_htons(ETH_P_8021Q))
		vlan = bpf_ntohs(head.tci) & 0x0fff;
	if (filter.vlan != UVF_VLAN_ANY && filter.vlan != vlan)
		return false;
	if (head.to[0] & 1)
		return true;
	for (int i = 0; i < ETH_ALEN; i++)
		if (head.to[i] != filter.mac[i])
			return false;
	return true;
}

SEC("fentry")
int capture_xdp(__u64 *args)
{
	struct xdp_buff *xdp = (void *)args[0];
	struct capture_event event = { .point = filter.point };

	if (xdp->rxq->dev->ifindex != filter.ifindex || !is_for_it(xdp->data))
		return 0;
	event.time = bpf_ktime_get_boot_ns();
	event.length = bpf_xdp_get_buff_len((void *)xdp);
	event.captured = event.length < filter.snaplen ? event.length : filter.snaplen;
	bpf_xdp_output((void *)xdp, &events, (__u64)event.captured << 32 | BPF_F_CURRENT_CPU,
		       &event, sizeof(event));
	return 0;
}

char _license[] SEC("license") = "GPL";
