/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a frame is dropped: a counter of ethtool -S and a word of the tracepoint for each. */
#ifndef UVF_DROP_H
#define UVF_DROP_H

/* In the order of ethtool -S. What the function receives comes first. */
#define UVF_DROPS(DROP)                                                                            \
	DROP(RX_RING_FULL, "rx_ring_full")	 /* frames come faster than NAPI runs */           \
	DROP(RX_FILL_EMPTY, "rx_fill_empty")	 /* the owner's fill ring has no buffer */         \
	DROP(RX_TOO_LONG, "rx_too_long")	 /* no buffer is that large */                     \
	DROP(RX_VLAN, "rx_vlan")		 /* steered here with another tag, or with none */ \
	DROP(RX_NO_MEMORY, "rx_no_memory")                                                         \
	DROP(RX_PROGRAM, "rx_program")		 /* its verdict could not be carried out */        \
	DROP(TX_INVALID, "tx_invalid")		 /* shorter than a header, longer than the MTU */  \
	DROP(TX_NO_MEMORY, "tx_no_memory")                                                         \
	DROP(TX_UPLINK, "tx_uplink")		 /* the uplink is down, or is stuck */             \
	DROP(TX_LIMIT, "tx_limit")		 /* over the limit, and nowhere to wait */

#define UVF_DROP_ENUM(name, text) UVF_DROP_##name,

enum uvf_drop {
	UVF_DROPS(UVF_DROP_ENUM)
	UVF_NR_DROPS,
	UVF_DROP_FIRST_TX = UVF_DROP_TX_INVALID,
};

#undef UVF_DROP_ENUM

#endif /* UVF_DROP_H */
