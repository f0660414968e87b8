// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an earlier uvfd left: its programs hold its maps, and these tell who had which slot and
 * what was counted. Nothing is pinned that could outlive the programs or be somebody else's.
 */
#include "steer.h"

#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define MAPS_MAX 64 /* of one program */

static int map_open(uint32_t id, struct bpf_map_info *info)
{
	uint32_t len = sizeof(*info);
	int fd = bpf_map_get_fd_by_id(id);

	memset(info, 0, sizeof(*info));
	if (fd < 0 || !bpf_obj_get_info_by_fd(fd, info, &len))
		return fd;
	close(fd);
	return -1;
}

static bool layout_known(int config)
{
	struct uvf_config was;
	uint32_t only = 0;

	return !bpf_map_lookup_elem(config, &only, &was) && was.layout == UVF_LAYOUT;
}

static bool fits(const struct bpf_map *map, const struct bpf_map_info *info)
{
	return bpf_map__type(map) == info->type && bpf_map__key_size(map) == info->key_size &&
	       bpf_map__value_size(map) == info->value_size &&
	       bpf_map__max_entries(map) == info->max_entries;
}

/* Calls @each for the maps of a program, until it returns true. */
static bool walk_maps(struct steer *steer, int program,
		      bool (*each)(struct bpf_map *map, int fd, const struct bpf_map_info *info))
{
	uint32_t ids[MAPS_MAX];
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids };
	uint32_t len = sizeof(info);
	struct bpf_map_info map_info;
	struct bpf_map *map;
	bool done = false;

	if (program < 0 || bpf_obj_get_info_by_fd(program, &info, &len))
		return false;
	for (uint32_t i = 0; !done && i < info.nr_map_ids && i < MAPS_MAX; i++) {
		int fd = map_open(ids[i], &map_info);

		if (fd < 0)
			continue;
		map = bpf_object__find_map_by_name(steer->bpf->obj, map_info.name);
		done = map && fits(map, &map_info) && each(map, fd, &map_info);
		close(fd);
	}
	return done;
}

static bool is_known_config(struct bpf_map *map, int fd, const struct bpf_map_info *info)
{
	return !strcmp(info->name, "config") && layout_known(fd);
}

static bool reuse(struct bpf_map *map, int fd, const struct bpf_map_info *info)
{
	if (bpf_map__fd(map) < 0)
		bpf_map__reuse_fd(map, fd);
	return false;
}

bool inherit_maps(struct steer *steer)
{
	int xdp = xdp_find(steer->ifindex), tc = tc_find(steer->ifindex);
	/* Both have the same maps, or one of them is a leftover of another layout. */
	bool xdp_known = walk_maps(steer, xdp, is_known_config);
	bool tc_known = walk_maps(steer, tc, is_known_config);

	if (xdp_known)
		walk_maps(steer, xdp, reuse);
	if (tc_known)
		walk_maps(steer, tc, reuse);
	if (xdp >= 0)
		close(xdp);
	if (tc >= 0)
		close(tc);
	return xdp_known || tc_known;
}

void inherit_slots(struct steer *steer)
{
	int stations = bpf_map__fd(steer->bpf->maps.stations);
	struct uvf_station_key key, *last = NULL;
	struct uvf_station station;

	for (; !bpf_map_get_next_key(stations, last, &key); last = &key)
		if (!bpf_map_lookup_elem(stations, &key, &station) && station.slot < UVF_SLOTS)
			steer->slots[station.slot] = SLOT_KEPT;
}

static void stations_clear(struct steer *steer)
{
	int stations = bpf_map__fd(steer->bpf->maps.stations);
	struct uvf_station_key key, next;
	struct uvf_station station;
	int end = bpf_map_get_next_key(stations, NULL, &key);

	for (; !end; key = next) {
		end = bpf_map_get_next_key(stations, &key, &next);
		if (!bpf_map_lookup_elem(stations, &key, &station) &&
		    steer->slots[station.slot % UVF_SLOTS] == SLOT_KEPT)
			bpf_map_delete_elem(stations, &key);
	}
}

void inherit_clear(struct steer *steer)
{
	stations_clear(steer);
	for (uint32_t slot = 0; slot < UVF_SLOTS; slot++)
		if (steer->slots[slot] == SLOT_KEPT)
			steer_slot_clear(steer, slot);
}
