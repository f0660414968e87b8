// SPDX-License-Identifier: GPL-2.0-only
/* Is a frame for this NIC? */
#include "nic.h"

static bool bit_of(const struct nic *nic, struct model_ref table, uint32_t bit)
{
	uint32_t left;
	const uint8_t *bytes = register_bytes(nic, table, &left);

	return bit / 8 < left && bytes[bit / 8] >> bit % 8 & 1;
}

static bool unicast_accepts(const struct nic *nic, const struct model_filter *filter,
			    const uint8_t *to)
{
	uint32_t left;
	const uint8_t *entry = register_bytes(nic, filter->unicast, &left);

	for (unsigned int i = 0; i < filter->entries; i++, entry += filter->step) {
		if (!memcmp(entry, to, NIC_MAC) &&
		    (little_get(entry, 8) & filter->valid) == filter->valid)
			return true;
	}
	return false;
}

/* Which bit: the upper bits of the address's CRC, or bits of the address itself. */
static uint32_t hash_of(const struct nic *nic, const struct model_filter *filter, const uint8_t *to)
{
	uint32_t mask = (1u << filter->hash_bits) - 1, crc, reversed = 0;

	if (filter->hash_kind == HASH_ADDRESS)
		return little_get(to, NIC_MAC) >> cases_get(nic, &filter->hash_shift, 0) & mask;
	crc = ~crc_of(to, NIC_MAC);
	for (int i = 0; i < 32; i++)
		reversed |= (crc >> i & 1) << (31 - i);
	return reversed >> (32 - filter->hash_bits);
}

static bool hash_accepts(const struct nic *nic, const struct model_filter *filter,
			 const uint8_t *to)
{
	return filter->hash.reg >= 0 && conditions_hold(nic, &filter->hash_when) &&
	       bit_of(nic, filter->hash, hash_of(nic, filter, to));
}

static enum accepted group_accepts(const struct nic *nic, const struct model_filter *filter,
				   const uint8_t *to)
{
	static const uint8_t all[NIC_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (!memcmp(to, all, NIC_MAC) &&
	    (filter->broadcast_always || conditions_any(nic, &filter->broadcast)))
		return ACCEPTED_ADDRESS;
	if (conditions_any(nic, &filter->all_multicast))
		return ACCEPTED_ANY;
	return hash_accepts(nic, filter, to) ? ACCEPTED_HASH : ACCEPTED_NOT;
}

static bool vlan_accepts(const struct nic *nic, const struct model_filter *filter,
			 const uint8_t *frame, uint32_t len)
{
	if (filter->vlan.reg < 0 || !conditions_hold(nic, &filter->vlan_when))
		return true;
	if (len < 18 || frame[12] != 0x81 || frame[13])
		return true;
	return bit_of(nic, filter->vlan, (frame[14] & 0xfu) << 8 | frame[15]);
}

enum accepted filter_accepts(const struct nic *nic, const uint8_t *frame, uint32_t len)
{
	const struct model_filter *filter = &nic->model->filter;

	if (!filter->present)
		return ACCEPTED_ANY;
	if (!vlan_accepts(nic, filter, frame, len))
		return ACCEPTED_NOT;
	if (conditions_hold(nic, &filter->unicast_when) && filter->unicast.reg >= 0 &&
	    unicast_accepts(nic, filter, frame))
		return ACCEPTED_ADDRESS;
	if (conditions_any(nic, &filter->promiscuous))
		return ACCEPTED_ANY;
	if (frame[0] & 1)
		return group_accepts(nic, filter, frame);
	return conditions_any(nic, &filter->all_unicast) ? ACCEPTED_ANY : ACCEPTED_NOT;
}
