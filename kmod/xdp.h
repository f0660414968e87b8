/* SPDX-License-Identifier: GPL-2.0-only */
/* The function's own XDP program, and the memory that it works on. */
#ifndef UVF_XDP_H
#define UVF_XDP_H

#include <linux/bpf.h>
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <net/xdp.h>

struct netdev_bpf;
struct uvf_burst;
struct uvf_queue;

/* The longest frame. It is in one piece, of up to eight pages. */
#define UVF_XDP_MAX_LEN 16384
#define UVF_XDP_MAX_MTU (UVF_XDP_MAX_LEN - VLAN_ETH_HLEN)

int uvf_xdp(struct net_device *dev, struct netdev_bpf *bpf);

/* ndo_xdp_xmit: what is redirected to the function is received by it. */
int uvf_xdp_receive(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags);

/*
 * A buffer for a frame of `len` bytes, from the UMEM if there is one, else from the kernel; to be
 * used up before the next is asked for. NULL is counted as dropped.
 */
struct xdp_buff *uvf_xdp_alloc(struct uvf_burst *burst, u32 len);

/* Buffers of the UMEM for the next `n` frames, UVF_RX_BULK at most; and gives back what is left. */
void uvf_xdp_reserve(struct uvf_burst *burst, unsigned int n);
void uvf_xdp_unreserve(struct uvf_burst *burst);

/* One of them, or another, or NULL. */
struct xdp_buff *uvf_xdp_umem_buff(struct uvf_burst *burst);

/* What fits into one buffer, UMEM or not. */
u32 uvf_xdp_max_len(const struct uvf_queue *queue);

/*
 * Each is copied, and the program run on the copy. Of entries of the ring, those before the first
 * skb; returns how many. Frames are freed by uvf_rx_end(). The skb stays the caller's: its data
 * begin at the Ethernet header, and there is no tag beside them.
 */
unsigned int uvf_xdp_frames(struct uvf_burst *burst, void *const *entries, unsigned int n);
void uvf_xdp_skb(struct uvf_burst *burst, struct sk_buff *skb);

/* Runs the program on a frame of `len` bytes and does as it says. Takes the buffer over. */
void uvf_xdp_run(struct uvf_burst *burst, struct xdp_buff *xdp, u32 len);

/* Memory of the kernel's with room for `len` bytes, and for all that an skb or xdp_frame needs. */
bool uvf_xdp_alloc_private(struct xdp_buff *xdp, struct xdp_rxq_info *rxq, u32 room, u32 len);

#endif /* UVF_XDP_H */
