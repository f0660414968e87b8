// SPDX-License-Identifier: GPL-2.0-only
/* Counters that a guest reads in registers. */
#include "nic.h"

const char *const model_counts[COUNTS] = {
	[COUNT_RX_FRAMES] = "rx-frames",	 [COUNT_RX_BYTES] = "rx-bytes",
	[COUNT_RX_UNICAST] = "rx-unicast",	 [COUNT_RX_MULTICAST] = "rx-multicast",
	[COUNT_RX_BROADCAST] = "rx-broadcast",	 [COUNT_RX_FULL] = "rx-full",
	[COUNT_TX_FRAMES] = "tx-frames",	 [COUNT_TX_BYTES] = "tx-bytes",
	[COUNT_TX_MULTICAST] = "tx-multicast",	 [COUNT_TX_BROADCAST] = "tx-broadcast",
	[COUNT_RX_OCTETS] = "rx-octets",	 [COUNT_TX_OCTETS] = "tx-octets",
};

/* They stop at what their registers can hold. */
void count_add(struct nic *nic, enum model_count what, uint64_t n)
{
	for (unsigned int i = 0; i < nic->model->counters; i++) {
		const struct model_counter *counter = &nic->model->counter[i];
		const struct model_register *reg;
		uint64_t most, value;

		if (counter->counts != what)
			continue;
		reg = &nic->model->reg[counter->ref.reg];
		most = reg->read & width_mask(reg->width);
		value = register_get(nic, counter->ref);
		register_set(nic, counter->ref, n > most || value > most - n ? most : value + n);
	}
}

static bool is_broadcast(const uint8_t *frame)
{
	return (frame[0] & frame[1] & frame[2] & frame[3] & frame[4] & frame[5]) == 0xff;
}

void count_frame(struct nic *nic, bool in, const uint8_t *frame, uint32_t len)
{
	*(in ? &nic->counters.rx_frames : &nic->counters.tx_frames) += 1;
	*(in ? &nic->counters.rx_bytes : &nic->counters.tx_bytes) += len;
	if (!nic->model->counters)
		return;
	count_add(nic, in ? COUNT_RX_FRAMES : COUNT_TX_FRAMES, 1);
	count_add(nic, in ? COUNT_RX_BYTES : COUNT_TX_BYTES, len);
	count_add(nic, in ? COUNT_RX_OCTETS : COUNT_TX_OCTETS, len + NIC_CRC);
	if (is_broadcast(frame))
		count_add(nic, in ? COUNT_RX_BROADCAST : COUNT_TX_BROADCAST, 1);
	else if (frame[0] & 1)
		count_add(nic, in ? COUNT_RX_MULTICAST : COUNT_TX_MULTICAST, 1);
	else if (in)
		count_add(nic, COUNT_RX_UNICAST, 1);
}
