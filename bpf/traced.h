/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program on the entry of an XDP program sees: of the kernel's structures only the members
 * that are used are named, and libbpf relocates them.
 */
#ifndef UVF_BPF_TRACED_H
#define UVF_BPF_TRACED_H

#define RELOCATED __attribute__((preserve_access_index))

struct net_device {
	int ifindex;
} RELOCATED;

struct xdp_rxq_info {
	struct net_device *dev;
} RELOCATED;

struct xdp_buff {
	void *data;
	struct xdp_rxq_info *rxq;
} RELOCATED;

#endif /* UVF_BPF_TRACED_H */
