/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps and look-ups that the XDP and the tc programs of an uplink share. */
#ifndef UVF_BPF_LOOKUP_H
#define UVF_BPF_LOOKUP_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <uvf/steer.h>

#define UVF_VID_MASK 0x0fff /* IEEE 802.1Q-2018 9.6: VLAN id in the tag control information */

struct uvf_vlan_tag {
	__be16 tci;
	__be16 proto; /* of what follows the tag */
};

const volatile struct uvf_features on = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uvf_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UVF_STATIONS);
	__type(key, struct uvf_station_key);
	__type(value, struct uvf_station);
} stations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UVF_SLOTS);
	__type(key, __u32);
	__type(value, struct uvf_counts);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UVF_SLOTS);
	__type(key, __u32);
	__type(value, struct uvf_flood);
} flood SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UVF_GROUPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct uvf_group_key);
	__type(value, __u8);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UVF_SLOTS);
	__type(key, __u32);
	__type(value, struct uvf_uplift);
} uplifts SEC(".maps");

static __always_inline struct uvf_config *uvf_config_get(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&config, &only);
}

static __always_inline struct uvf_station *uvf_station_find(const __u8 *mac, __u16 vlan)
{
	struct uvf_station_key key = { .vlan = vlan };
	struct uvf_station *station;

	__builtin_memcpy(key.mac, mac, ETH_ALEN);
	station = bpf_map_lookup_elem(&stations, &key);
	if (station)
		return station;
	key.vlan = UVF_VLAN_ANY;
	return bpf_map_lookup_elem(&stations, &key);
}

static __always_inline struct uvf_counts *uvf_counts_of(__u32 slot)
{
	return bpf_map_lookup_elem(&counts, &slot);
}

#endif /* UVF_BPF_LOOKUP_H */
