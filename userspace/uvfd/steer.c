// SPDX-License-Identifier: GPL-2.0-only
/* The functions in the maps of an uplink, and its programs. See include/uvf/steer.h. */
#include "steer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <xdp/libxdp.h>

#include "why.h"

int steer_put(const struct bpf_map *map, const void *key, size_t key_size, const void *value,
	      size_t size)
{
	return bpf_map__update_elem(map, key, key_size, value, size, BPF_ANY);
}

/* --- opening and closing ------------------------------------------------------------------ */

void steer_config_write(struct steer *steer)
{
	uint32_t only = 0;

	steer->config.layout = UVF_LAYOUT;
	steer_put(steer->bpf->maps.config, &only, sizeof(only), &steer->config,
		  sizeof(steer->config));
}

static int maps_make(struct steer *steer)
{
	uint32_t only = 0;
	int err;

	steer->bpf = steer_bpf__open();
	if (!steer->bpf)
		return -errno;
	bpf_program__set_autoload(steer->bpf->progs.uvf_steer, false);
	bpf_program__set_autoload(steer->bpf->progs.uvf_explain, false);
	steer->inherited = inherit_maps(steer);
	err = steer_bpf__load(steer->bpf);
	if (err || !steer->inherited)
		return err;
	err = bpf_map__lookup_elem(steer->bpf->maps.config, &only, sizeof(only), &steer->config,
				   sizeof(steer->config), 0);
	if (err)
		return err;
	inherit_slots(steer);
	inherit_rules(steer);
	steer->hits_inherited = true;
	steer->unswept = true;
	return 0;
}

struct steer *steer_open(int ifindex, const char *name)
{
	struct steer *steer = calloc(1, sizeof(*steer));
	int err;

	if (!steer)
		return NULL;
	steer->ifindex = ifindex;
	strcpy(steer->name, name);
	err = maps_make(steer);
	if (err) {
		say("%s: can't make the maps of its functions: %s", name, strerror(-err));
		steer_bpf__destroy(steer->bpf);
		free(steer);
		return NULL;
	}
	steer_config_write(steer);
	return steer;
}

void steer_close(struct steer *steer)
{
	if (steer->flooding)
		tc_detach(&steer->hook);
	port_bpf__destroy(steer->tc);
	steer_bpf__destroy(steer->explain);
	free(steer->keys);
	xdp_take_off(steer->ifindex);
	steer_bpf__destroy(steer->bpf);
	say("%s: no longer steered", steer->name);
	free(steer);
}

bool steer_is_fast(const struct steer *steer)
{
	return steer->fast;
}

void steer_address(struct steer *steer, const uint8_t *mac)
{
	if (!memcmp(steer->config.uplink, mac, sizeof(steer->config.uplink)))
		return;
	memcpy(steer->config.uplink, mac, sizeof(steer->config.uplink));
	steer_config_write(steer);
}

/* --- the programs ------------------------------------------------------------------------- */

/* A program that is to be loaded gets the maps that there are already. */
static void maps_share(const struct steer *steer, struct bpf_object *with)
{
	struct bpf_map *map, *ours;

	bpf_object__for_each_map(map, with) {
		ours = bpf_object__find_map_by_name(steer->bpf->obj, bpf_map__name(map));
		if (ours && !bpf_map__is_internal(map))
			bpf_map__reuse_fd(map, bpf_map__fd(ours));
	}
}

static int xdp_load(struct steer *steer)
{
	struct steer_bpf *bpf = steer_bpf__open();
	int err;

	if (!bpf)
		return -errno;
	bpf_program__set_autoload(bpf->progs.uvf_explain, false);
	bpf->rodata->on = steer->wanted;
	maps_share(steer, bpf->obj);
	err = xdp_put(steer->ifindex, bpf);
	/* The uplink holds what was attached. */
	steer_bpf__destroy(bpf);
	return err;
}

static void say_steering(const struct steer *steer, int err)
{
	char text[128];

	if (!err) {
		say("%s: steering with XDP%s", steer->name,
		    steer->inherited ? ", where an earlier uvfd left off" : "");
		return;
	}
	if (steer->taken)
		strcpy(text, "it has an XDP program of somebody else's, and two stand side by side "
			     "only behind libxdp's dispatcher");
	else if (err == -ERANGE)
		strcpy(text, "its MTU is too large for XDP, or for a program beside ours that does "
			     "not know jumbo frames");
	else
		libxdp_strerror(err, text, sizeof(text));
	say("%s: no steering with XDP (%s): its functions receive by the slow path", steer->name,
	    text);
}

static bool is_attached(const struct steer *steer)
{
	int program = xdp_find(steer->ifindex);

	if (program < 0)
		return false;
	close(program);
	return true;
}

static void xdp_settle(struct steer *steer)
{
	int err = xdp_load(steer);

	steer->taken = err == -EBUSY || err == -EEXIST;
	if (!steer->settled)
		say_steering(steer, err);
	else if (err)
		say("%s: its steering program can't be replaced: %s", steer->name, strerror(-err));
	if (err && !steer->settled)
		xdp_take_off(steer->ifindex); /* it would go on with what it knew */
	steer->fast = !err || is_attached(steer);
	steer->settled = true;
	steer->loaded = steer->wanted;
}

void steer_link_xdp(struct steer *steer, bool has_xdp)
{
	if (steer->taken && !steer->fast && !has_xdp)
		steer->settled = false;
}

static int tc_load(struct steer *steer, struct port_bpf **loaded)
{
	struct port_bpf *tc = port_bpf__open();
	int err = -errno;

	if (!tc)
		return err ?: -ENOMEM;
	tc->rodata->on = steer->wanted;
	tc->rodata->on.xdp = steer->tc_behind_xdp = steer->fast;
	maps_share(steer, tc->obj);
	err = port_bpf__load(tc);
	if (err)
		port_bpf__destroy(tc);
	else
		*loaded = tc;
	return err;
}

/* The programs on the ports follow those on the uplink. */
static int ports_attach(struct steer *steer)
{
	int uplifts = bpf_map__fd(steer->bpf->maps.uplifts);
	uint32_t port, *last = NULL;
	struct tc_hook hook;
	int err = 0;

	for (; !err && !bpf_map_get_next_key(uplifts, last, &port); last = &port)
		err = tc_attach(&hook, port, bpf_program__fd(steer->tc->progs.uvf_uplift));
	return err;
}

static void tc_settle(struct steer *steer)
{
	struct port_bpf *tc;
	int err = tc_load(steer, &tc);

	if (!err) {
		port_bpf__destroy(steer->tc);
		steer->tc = tc;
		err = tc_attach(&steer->hook, steer->ifindex,
				bpf_program__fd(tc->progs.uvf_flood));
	}
	if (!err)
		err = ports_attach(steer);
	if (err)
		say("%s: can't attach the tc programs: %s", steer->name, strerror(-err));
	steer->flooding = true;
}

void steer_settle(struct steer *steer)
{
	bool changed = memcmp(&steer->wanted, &steer->loaded, sizeof(steer->wanted));

	if (steer->inherited)
		inherit_clear(steer);
	if (!steer->settled || changed)
		xdp_settle(steer);
	if (steer->has_ports &&
	    (!steer->flooding || changed || steer->tc_behind_xdp != steer->fast))
		tc_settle(steer);
	steer->inherited = false;
}

/* --- what would be done ------------------------------------------------------------------- */

static int explain_load(struct steer *steer)
{
	struct steer_bpf *bpf = steer_bpf__open();

	if (!bpf)
		return -errno;
	bpf_program__set_autoload(bpf->progs.uvf_steer, false);
	bpf->rodata->on = steer->wanted;
	maps_share(steer, bpf->obj);
	if (steer_bpf__load(bpf)) {
		steer_bpf__destroy(bpf);
		return -errno;
	}
	steer_bpf__destroy(steer->explain);
	steer->explain = bpf;
	steer->explains = steer->wanted;
	return 0;
}

int steer_explain(struct steer *steer, const void *frame, uint32_t size,
		  struct uvf_verdict *verdict)
{
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size,
			    .repeat = 1);
	uint32_t only = 0;
	int err = 0;

	if (!steer->explain || memcmp(&steer->explains, &steer->wanted, sizeof(steer->wanted)))
		err = explain_load(steer);
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(steer->explain->progs.uvf_explain),
					     &opts);
	if (!err && opts.retval != XDP_PASS)
		return uvf_fail(EINVAL, "this is not a whole Ethernet header");
	if (!err)
		err = bpf_map__lookup_elem(steer->bpf->maps.verdict, &only, sizeof(only), verdict,
					   sizeof(*verdict), 0);
	return err ? uvf_fail(-err, "the kernel does not run the program: %s", strerror(-err)) : 0;
}

/* --- functions ---------------------------------------------------------------------------- */

static int flood_add(struct steer *steer, const struct steer_entry *entry)
{
	if (steer->config.flood_end <= entry->slot) {
		steer->config.flood_end = entry->slot + 1;
		steer_config_write(steer);
	}
	return steer_filter_all(steer, entry, true); /* until its netdev was asked */
}

static int port_add(struct steer *steer, const struct steer_entry *entry)
{
	struct uvf_uplift up = {
		.ifindex = steer->ifindex,
		.slot = entry->slot,
		.vlan = entry->vlan,
	};
	uint32_t port = entry->port;
	struct tc_hook hook;
	int err;

	err = steer_put(steer->bpf->maps.uplifts, &port, sizeof(port), &up, sizeof(up));
	if (!err)
		err = flood_add(steer, entry);
	steer->has_ports = true;
	/* The first one's program comes with those of the uplink. */
	if (!err && steer->flooding)
		err = tc_attach(&hook, entry->port, bpf_program__fd(steer->tc->progs.uvf_uplift));
	return err;
}

static void port_remove(struct steer *steer, const struct steer_entry *entry)
{
	struct tc_hook hook = { .ifindex = entry->port, .made = true };
	uint32_t port = entry->port;

	bpf_map__delete_elem(steer->bpf->maps.uplifts, &port, sizeof(port), 0);
	tc_detach(&hook);
}

static int counts_clear(struct steer *steer, uint32_t slot)
{
	int cpus = libbpf_num_possible_cpus();
	struct uvf_counts *zero;
	int err;

	if (cpus < 0)
		return cpus;
	zero = calloc(cpus, sizeof(*zero));
	if (!zero)
		return -ENOMEM;
	err = steer_put(steer->bpf->maps.counts, &slot, sizeof(slot), zero, cpus * sizeof(*zero));
	free(zero);
	return err;
}

/* The slot that the function had with an earlier uvfd, where its counters go on; or a free one. */
static int slot_take(struct steer *steer, struct steer_entry *entry)
{
	struct uvf_station_key key = station_key(entry->vlan, entry->mac);
	struct uvf_station station;
	uint32_t slot;

	if (!bpf_map__lookup_elem(steer->bpf->maps.stations, &key, sizeof(key), &station,
				  sizeof(station), 0) &&
	    station.slot < UVF_SLOTS && steer->slots[station.slot] == SLOT_KEPT) {
		entry->slot = station.slot;
		steer->slots[station.slot] = SLOT_TAKEN;
		return 0;
	}
	for (slot = 0; slot < UVF_SLOTS; slot++) {
		if (steer->slots[slot] != SLOT_FREE)
			continue;
		entry->slot = slot;
		steer->slots[slot] = SLOT_TAKEN;
		return counts_clear(steer, slot);
	}
	return -ENOSPC;
}

static void passthru_set(struct steer *steer, const struct steer_entry *entry, bool on)
{
	if (!entry->passthru)
		return;
	steer->config.passthru = entry->slot;
	steer->wanted.passthru = on;
	steer_config_write(steer);
}

void steer_features(struct steer *steer, bool limits, bool mirrors)
{
	steer->wanted.limits = limits;
	steer->wanted.mirrors = mirrors;
}

uint32_t steer_flags(const struct steer_entry *entry)
{
	return entry->is_port && entry->vlan != UVF_VLAN_ANY ? UVF_STATION_UNTAG : 0;
}

static int entry_write(struct steer *steer, const struct steer_entry *entry)
{
	struct uvf_station_key key = station_key(entry->vlan, entry->mac);
	struct uvf_station station = {
		.slot = entry->slot,
		.flags = steer_flags(entry),
	};
	uint32_t port = entry->to;
	int err = 0;

	if (entry->is_port)
		err = port_add(steer, entry);
	if (!err)
		err = steer_put(steer->bpf->maps.ports, &entry->slot, sizeof(entry->slot), &port,
				sizeof(port));
	if (!err)
		err = steer_put(steer->bpf->maps.stations, &key, sizeof(key), &station,
				sizeof(station));
	return err;
}

int steer_add(struct steer *steer, struct steer_entry *entry)
{
	int err = slot_take(steer, entry);

	if (err)
		return err;
	err = entry_write(steer, entry);
	if (err)
		steer_remove(steer, entry);
	else
		passthru_set(steer, entry, true);
	return err;
}

int steer_turn(struct steer *steer, const struct steer_entry *entry, bool all)
{
	uint32_t port = entry->to;
	int err = steer_put(steer->bpf->maps.ports, &entry->slot, sizeof(entry->slot), &port,
			    sizeof(port));

	return err ?: steer_filter_all(steer, entry, all);
}

void steer_slot_clear(struct steer *steer, uint32_t slot)
{
	struct uvf_flood none = { 0 };

	bpf_map__delete_elem(steer->bpf->maps.ports, &slot, sizeof(slot), 0);
	bpf_map__delete_elem(steer->bpf->maps.mirrors, &slot, sizeof(slot), 0);
	bpf_map__delete_elem(steer->bpf->maps.taps, &slot, sizeof(slot), 0);
	for (uint32_t i = 0; i < UVF_DIRECTIONS; i++) {
		uint32_t key = UVF_LIMIT_KEY(slot, i);

		bpf_map__delete_elem(steer->bpf->maps.limits, &key, sizeof(key), 0);
	}
	steer_put(steer->bpf->maps.flood, &slot, sizeof(slot), &none, sizeof(none));
	steer->slots[slot] = SLOT_FREE;
}

void steer_remove(struct steer *steer, const struct steer_entry *entry)
{
	struct uvf_station_key key = station_key(entry->vlan, entry->mac);

	passthru_set(steer, entry, false);
	bpf_map__delete_elem(steer->bpf->maps.stations, &key, sizeof(key), 0);
	steer_slot_clear(steer, entry->slot);
	if (entry->is_port)
		port_remove(steer, entry);
}

static void direct_set(struct steer *steer, uint32_t queue, bool on)
{
	if (on)
		steer->direct |= 1ULL << queue;
	else
		steer->direct &= ~(1ULL << queue);
	steer->wanted.direct = steer->direct != 0;
}

int steer_direct_add(struct steer *steer, uint32_t queue, uint32_t slot, int xsk)
{
	uint32_t owner = slot + 1;
	int err;

	if (queue >= UVF_DIRECT_QUEUES)
		return -ERANGE;
	err = steer_put(steer->bpf->maps.direct, &queue, sizeof(queue), &xsk, sizeof(xsk));
	if (!err)
		err = steer_put(steer->bpf->maps.owners, &queue, sizeof(queue), &owner,
				sizeof(owner));
	if (!err)
		direct_set(steer, queue, true);
	return err;
}

void steer_direct_remove(struct steer *steer, uint32_t queue)
{
	uint32_t none = 0;

	if (queue >= UVF_DIRECT_QUEUES)
		return;
	direct_set(steer, queue, false);
	steer_put(steer->bpf->maps.owners, &queue, sizeof(queue), &none, sizeof(none));
	bpf_map__delete_elem(steer->bpf->maps.direct, &queue, sizeof(queue), 0);
}

void steer_counts(const struct steer *steer, uint32_t slot, struct uvf_counts *sum)
{
	const struct bpf_map *map = steer->bpf->maps.counts;
	int cpus = libbpf_num_possible_cpus();
	struct uvf_counts *each;

	memset(sum, 0, sizeof(*sum));
	if (cpus < 0)
		return;
	each = calloc(cpus, sizeof(*each));
	if (!each)
		return;
	if (!bpf_map__lookup_elem(map, &slot, sizeof(slot), each, cpus * sizeof(*each), 0)) {
		for (int i = 0; i < cpus; i++) {
			sum->rx_frames += each[i].rx_frames;
			sum->rx_bytes += each[i].rx_bytes;
			sum->flood_frames += each[i].flood_frames;
			sum->flood_bytes += each[i].flood_bytes;
			sum->tx_frames += each[i].tx_frames;
			sum->tx_bytes += each[i].tx_bytes;
			sum->direct_frames += each[i].direct_frames;
			sum->direct_bytes += each[i].direct_bytes;
			sum->mirror_frames += each[i].mirror_frames;
			for (int why = 0; why < UVF_DROPS; why++)
				sum->drops[why] += each[i].drops[why];
		}
	}
	free(each);
}
