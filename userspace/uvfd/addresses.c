// SPDX-License-Identifier: GPL-2.0-only
/* Further addresses of functions, and groups, in the maps of an uplink. */
#include "steer.h"

#include <string.h>

#include <bpf/bpf.h>

static struct uvf_group_key group_key(uint32_t slot, const uint8_t *mac)
{
	struct uvf_group_key key = { .slot = slot };

	memcpy(key.mac, mac, sizeof(key.mac));
	return key;
}

/* Whose the address is first, keeps it. */
static void station_add(struct steer *steer, const struct steer_entry *entry, const uint8_t *mac)
{
	struct uvf_station_key key = station_key(entry->vlan, mac);
	struct uvf_station station = { .slot = entry->slot, .flags = steer_flags(entry) };

	bpf_map_update_elem(bpf_map__fd(steer->bpf->maps.stations), &key, &station, BPF_NOEXIST);
}

static void station_remove(struct steer *steer, const struct uvf_station_key *key, uint32_t slot)
{
	int stations = bpf_map__fd(steer->bpf->maps.stations);
	struct uvf_station station;

	if (!bpf_map_lookup_elem(stations, key, &station) && station.slot == slot)
		bpf_map_delete_elem(stations, key);
}

void steer_filter_add(struct steer *steer, const struct steer_entry *entry, const uint8_t *mac)
{
	struct uvf_group_key key = group_key(entry->slot, mac);
	uint8_t set = 1;

	if (!is_group(mac))
		station_add(steer, entry, mac);
	else if (entry->is_port)
		steer_put(steer->bpf->maps.groups, &key, sizeof(key), &set, sizeof(set));
}

void steer_filter_remove(struct steer *steer, const struct steer_entry *entry, const uint8_t *mac)
{
	struct uvf_station_key station = station_key(entry->vlan, mac);
	struct uvf_group_key group = group_key(entry->slot, mac);

	if (is_group(mac))
		bpf_map__delete_elem(steer->bpf->maps.groups, &group, sizeof(group), 0);
	else if (memcmp(mac, entry->mac, sizeof(entry->mac)))
		station_remove(steer, &station, entry->slot);
}

int steer_filter_all(struct steer *steer, const struct steer_entry *entry, bool all)
{
	struct uvf_flood flood = {
		.ifindex = entry->to,
		.vlan = entry->vlan,
		.flags = entry->to != entry->port ? UVF_FLOOD_NONE : all ? UVF_FLOOD_ALL : 0,
	};

	if (!entry->is_port)
		return 0;
	return steer_put(steer->bpf->maps.flood, &entry->slot, sizeof(entry->slot), &flood,
			 sizeof(flood));
}

/* --- what an earlier uvfd left ------------------------------------------------------------ */

static void sweep_stations(struct steer *steer,
			   bool (*wanted)(const struct steer *steer, uint32_t slot,
					  const uint8_t *mac))
{
	int stations = bpf_map__fd(steer->bpf->maps.stations);
	struct uvf_station_key key, next;
	struct uvf_station station;
	int end = bpf_map_get_next_key(stations, NULL, &key);

	for (; !end; key = next) {
		end = bpf_map_get_next_key(stations, &key, &next);
		if (!bpf_map_lookup_elem(stations, &key, &station) &&
		    !wanted(steer, station.slot, key.mac))
			bpf_map_delete_elem(stations, &key);
	}
}

static void sweep_groups(struct steer *steer,
			 bool (*wanted)(const struct steer *steer, uint32_t slot,
					const uint8_t *mac))
{
	int groups = bpf_map__fd(steer->bpf->maps.groups);
	struct uvf_group_key key, next;
	int end = bpf_map_get_next_key(groups, NULL, &key);

	for (; !end; key = next) {
		end = bpf_map_get_next_key(groups, &key, &next);
		if (!wanted(steer, key.slot, key.mac))
			bpf_map_delete_elem(groups, &key);
	}
}

void steer_filter_sweep(struct steer *steer,
			bool (*wanted)(const struct steer *steer, uint32_t slot,
				       const uint8_t *mac))
{
	if (!steer->unswept)
		return;
	sweep_stations(steer, wanted);
	sweep_groups(steer, wanted);
	steer->unswept = false;
}
